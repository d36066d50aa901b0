use glasshull_api::answers::Schema;

/// The tables SQL can ask and the statements beyond SQL, with their documentation.
pub fn schema() -> Schema {
    Schema { tables: Vec::new(), statements: glasshull_api::statement::docs() }
}
