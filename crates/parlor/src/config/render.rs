//! The commented default configuration, as `parlor config` prints it.

use super::environment::variable;
use super::fields;
use super::setting::Section;

/// Every section and field with its doc comment, unit and default, as TOML. What is unset by
/// default is commented out with an example.
pub(crate) fn default_toml() -> String {
    let mut out = String::from(
        "# Parlor's configuration: every setting with its default.\n\
         #\n\
         # Use it with `parlor serve --config FILE`. A variable of the environment overrides a\n\
         # setting here (its name is given at each), and a flag of the command line overrides both.\n\
         # A key that is not known is refused.\n",
    );
    for section in &fields::describe() {
        render_section(&mut out, section);
    }
    out
}

fn render_section(out: &mut String, section: &Section) {
    out.push('\n');
    comment(out, section.docs);
    out.push_str(&format!("[{}]\n", section.name));
    for field in &section.fields {
        out.push('\n');
        comment(out, field.docs);
        let default = field.default.as_deref().unwrap_or("unset");
        out.push_str(&format!("# Unit: {}. Default: {default}.\n", field.unit));
        out.push_str(&format!("# Variable: {}\n", variable(section, field)));
        match (&field.default, &field.example) {
            (Some(value), _) => out.push_str(&format!("{} = {value}\n", field.name)),
            (None, Some(example)) => out.push_str(&format!("#{} = {example}\n", field.name)),
            (None, None) => out.push_str(&format!("#{} =\n", field.name)),
        }
    }
}

fn comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        out.push('#');
        out.push_str(line);
        out.push('\n');
    }
}
