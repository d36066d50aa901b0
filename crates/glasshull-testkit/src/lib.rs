//! For tests only: real hubs and instances on free ports, a manual clock, a failing store
