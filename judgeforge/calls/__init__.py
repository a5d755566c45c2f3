"""The door to paid calls: cache, then (retry around) gate -> reserve -> send -> settle."""
