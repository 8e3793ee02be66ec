"""From a received frame to a stored event: limits, lanes, verification, recording, acknowledgement."""
