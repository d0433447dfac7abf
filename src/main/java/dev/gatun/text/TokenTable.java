package dev.gatun.text;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which tokens there are: the model's pieces and the added tokens, under ids that are 0 to n - 1 together.
 *
 * @param pieces by id
 * @param ids of all pieces
 * @param modelIds of the pieces that the model lists
 * @param added the added tokens
 */
record TokenTable(List<String> pieces, Map<String, Integer> ids, Map<String, Integer> modelIds, List<Added> added) {
    /** An added token: its text in a prompt becomes it. */
    record Added(String content, int id, boolean normalized, boolean special) {}

    static TokenTable read(JsonSection root) {
        Map<String, Integer> modelIds = modelIds(root.member("model").member("vocab"));
        List<Added> added = added(root.optional("added_tokens"));
        Map<String, Integer> ids = new HashMap<>(modelIds);
        for (Added token : added) {
            Integer other = ids.putIfAbsent(token.content(), token.id());
            if (other != null && other != token.id()) {
                throw root.broken("the added token \"%s\" has id %d, but its vocabulary says %d"
                        .formatted(token.content(), token.id(), other));
            }
        }
        return new TokenTable(pieces(root, ids), ids, modelIds, added);
    }

    private static Map<String, Integer> modelIds(JsonSection vocab) {
        Map<String, Integer> ids = new HashMap<>();
        for (String piece : vocab.names()) {
            ids.put(
                    piece,
                    new JsonSection(
                                    vocab.file(),
                                    "model.vocab." + piece,
                                    vocab.node().path(piece))
                            .integer());
        }
        return ids;
    }

    private static List<Added> added(JsonSection section) {
        List<Added> tokens = new ArrayList<>();
        if (section.isAbsent()) {
            return tokens;
        }
        for (JsonSection token : section.elements()) {
            token.refuse("single_word", "lstrip", "rstrip");
            String content = token.member("content").string();
            if (content.isEmpty()) {
                throw token.broken("`%s.content` is empty".formatted(token.where()));
            }
            tokens.add(
                    new Added(content, token.member("id").integer(), token.flag("normalized"), token.flag("special")));
        }
        return tokens;
    }

    private static List<String> pieces(JsonSection root, Map<String, Integer> ids) {
        String[] pieces = new String[ids.size()];
        ids.forEach((piece, id) -> {
            if (id < 0 || id >= pieces.length) {
                throw root.broken("token \"%s\" has id %d, but there are %d tokens and their ids must have no gaps"
                        .formatted(piece, id, pieces.length));
            }
            if (pieces[id] != null) {
                throw root.broken("tokens \"%s\" and \"%s\" have the same id %d".formatted(pieces[id], piece, id));
            }
            pieces[id] = piece;
        });
        return List.of(pieces);
    }
}
