pub struct Berth<'a> {
    name: &'a str,
}

impl<'a> Berth<'a> {
    pub fn new(name: &'a str) -> Self { Self { name } }

    #[inline]
    pub fn moor(&self, ships: u32) -> Result<String, String> {
        let moored = (1..=ships).map(|ship| self.one(ship));
        Ok(moored.collect::<Vec<_>>().join(" "))
    }

    fn one(&self, ship: u32) -> String {
        format!("{}{ship}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ships_are_moored() {
        assert_eq!(Berth::new("south").moor(1).unwrap(), "south1");
        assert_eq!((file!(), line!()), ("app/src/berth.rs", 26));
    }
}
