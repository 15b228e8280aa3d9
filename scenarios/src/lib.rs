//! Scenario files, the runs they describe and the reports on them.
