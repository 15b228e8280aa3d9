//! Holds no code: the integration tests are in `all/`, one binary, so that the big libraries link
//! once.
