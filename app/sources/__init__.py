"""Documents in which demands, answers and events are written down."""
