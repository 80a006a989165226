//! Every bound of the domain.
