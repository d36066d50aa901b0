mod parsing;
mod properties;
mod refusing;
