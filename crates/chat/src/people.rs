//! Who people are to each other: profiles, and how they are found.
//!
//! A profile is public to every user. It is found by the beginning of the user's id or of a word of
//! the name, however they are written ([`words`]); only who has a profile is found.

use std::sync::Arc;

use crate::ids::UserId;

/// Words of one name or query that are looked at; further ones are not.
pub const WORDS_MAX: usize = 8;
/// The longest word, in bytes; of a longer one the beginning counts.
pub const WORD_BYTES_MAX: usize = 128;

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The user.
    pub user: UserId,
    /// The name that the user gave, or else the one in the user's last token.
    pub name: Option<Arc<str>>,
    /// The address of a picture.
    pub avatar: Option<Arc<str>>,
    /// A few words about the user.
    pub about: Option<Arc<str>>,
}

impl Profile {
    /// The profile of a user who has said nothing.
    pub fn blank(user: UserId) -> Self {
        Self { user, name: None, avatar: None, about: None }
    }
}

/// What a field is to be: `None` for what it is, `Some(None)` for nothing.
pub type FieldWish = Option<Option<Arc<str>>>;

/// A wish to change a profile, field by field.
#[derive(Debug, Clone)]
pub struct ProfileChange {
    /// Whose, authenticated.
    pub user: UserId,
    /// The name that the user gives.
    pub name: FieldWish,
    /// The name in the user's token, which counts while the user gives none.
    pub token_name: FieldWish,
    /// The address of a picture.
    pub avatar: FieldWish,
    /// A few words about the user.
    pub about: FieldWish,
}

/// What became of a [`ProfileChange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileChanged {
    /// The profile as it is now.
    pub profile: Profile,
    /// Whether it is another than before.
    pub changed: bool,
}

/// A search for people.
#[derive(Debug, Clone)]
pub struct UsersQuery {
    /// Who asks, and is not shown who keeps them out, nor whom they keep out.
    pub asker: UserId,
    /// What is looked for, as [`words`] gives it: each word must begin one of the user's.
    pub words: Vec<String>,
    /// Where to go on.
    pub after: Option<UsersCursor>,
    /// At most so many.
    pub limit: usize,
}

/// Where the next page of people starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersCursor {
    /// The word by which the last one looked at was found.
    pub word: String,
    /// The last one looked at.
    pub user: UserId,
}

/// People who were found, in the order of the words by which they were.
#[derive(Debug, Clone)]
pub struct UsersPage {
    /// Their profiles; perhaps fewer than asked for, since a page looks at so many at most.
    pub users: Vec<Profile>,
    /// Where to go on, or `None` at the end.
    pub next: Option<UsersCursor>,
}

/// The words of a name or a query: runs of letters and digits in small letters, each once.
pub fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let word = cut(word.to_lowercase());
        if words.len() < WORDS_MAX && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

/// The words by which a user is found: the id as a whole, its words, and those of the name.
pub fn words_of(user: &UserId, name: Option<&str>) -> Vec<String> {
    let mut found = vec![cut(user.as_str().to_lowercase())];
    for word in words(user.as_str()).into_iter().chain(words(name.unwrap_or_default())) {
        if !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

/// What a query looks for: its words; or all of it, if it has none, as an id may.
pub fn wanted(query: &str) -> Vec<String> {
    let words = words(query);
    if words.is_empty() { vec![cut(query.to_lowercase())] } else { words }
}

fn cut(mut word: String) -> String {
    let mut end = WORD_BYTES_MAX.min(word.len());
    while !word.is_char_boundary(end) {
        end -= 1;
    }
    word.truncate(end);
    word
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_small_and_each_is_there_once() {
        assert_eq!(words("Ada  LOVELACE, ada-x9 Élan"), ["ada", "lovelace", "x9", "élan"]);
        assert!(words(" -:- ").is_empty());
        assert_eq!(words("1 2 3 4 5 6 7 8 9").len(), WORDS_MAX);
    }

    #[test]
    fn an_id_is_found_whole_and_by_its_words() {
        let user = UserId::parse("Ada.L@x").expect("an id in a test");
        assert_eq!(words_of(&user, Some("Ada Byron")), ["ada.l@x", "ada", "l", "x", "byron"]);
        assert_eq!(wanted("Ada.L"), ["ada", "l"]);
        assert_eq!(wanted("::"), ["::"]);
    }

    #[test]
    fn a_long_word_is_cut_between_characters() {
        let long = "é".repeat(65);
        assert_eq!(words(&long), ["é".repeat(64)]);
        assert_eq!(words(&format!("a{long}"))[0].len(), 127);
    }

    proptest! {
        #[test]
        fn any_text_has_few_short_words(text in ".*") {
            let words = wanted(&text);
            prop_assert!(words.len() <= WORDS_MAX);
            prop_assert!(words.iter().all(|word| word.len() <= WORD_BYTES_MAX));
        }
    }
}
