-- A handover names the lines that are cut, however long ago that was: see service/journal/kinds.py, LINE_KINDS.

CREATE INDEX journal_line ON journal (kind, id)
WHERE kind IN (
    'bearer_back', 'bearer_lost', 'broker_back', 'broker_lost', 'gateway_started', 'line_fault', 'line_restored',
    'standby_back', 'standby_lost', 'way_back', 'way_lost'
);
