internal import Testing

/// Everything here runs one after another: the suites measure moments, mount devices and start processes.
@Suite(.serialized) struct Faults {}
