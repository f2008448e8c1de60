-- +goose Up
-- The index on search.tokens. Positions are not kept (detail=none), because Go looks at the tokens.
CREATE VIRTUAL TABLE IF NOT EXISTS {prefix}search_words USING fts5(
    tokens, content='{prefix}search', content_rowid='id', detail='none', tokenize="ascii tokenchars '_'"
);
