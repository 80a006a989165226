//! The tests of the service, against real stores.
//!
//! One program, so that what they share is built and linked once.

mod app_events;
mod around;
mod around_rights;
mod backend;
mod backend_groups;
mod backend_screening;
mod comings;
mod commands;
mod crowds;
mod delivery;
mod faults;
mod group_rights;
mod group_rules;
mod groups;
mod hook;
mod interleavings;
mod members;
mod moderation;
mod moderation_groups;
mod own;
mod paces;
mod people;
mod presence;
mod recovery;
mod removal;
mod requests;
mod resume;
mod rules;
mod schedules;
mod search;
mod sessions;
mod shadow;
mod support;
mod timers;
mod typing;
