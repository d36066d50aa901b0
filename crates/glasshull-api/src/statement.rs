//! The statement language: one parser for the page, the command line and the API.
