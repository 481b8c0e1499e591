-- Entries of a timeline that come with a device's life and not with an order or a person's deed: of these only the latest are kept. The same list
-- of kinds stands in TimelineRetention; an index is only used for the very words it was made with.
CREATE INDEX timeline_passing ON timeline (device, number)
    WHERE kind IN ('restarted', 'runs', 'log', 'event', 'alert', 'alert-over', 'shut-out', 'let-in', 'deferred');
