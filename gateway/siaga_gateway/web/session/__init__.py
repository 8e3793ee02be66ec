"""What every page shares: sign-in, security headers, the live stream."""
