-- The words of messages: see word_index.rs. A row is a message, by its position; what it says is not
-- kept here a second time. `meta` has up to where the log is in it (`words_up_to`).
CREATE VIRTUAL TABLE word_index USING fts5 (
    terms,
    content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '._~'"
);
-- What is taken out of it is overwritten.
INSERT INTO word_index (word_index, rank) VALUES ('secure-delete', 1);
