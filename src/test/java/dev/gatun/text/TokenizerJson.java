package dev.gatun.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The demo's {@code tokenizer.json} with changes. */
final class TokenizerJson {
    private TokenizerJson() {}

    static Path write(Path folder, Consumer<ObjectNode> change) throws IOException {
        ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(TestVocabulary.DEMO.file.toFile());
        change.accept(root);
        return Files.writeString(folder.resolve("tokenizer.json"), root.toString());
    }

    static ObjectNode model(ObjectNode root) {
        return (ObjectNode) root.get("model");
    }

    static ObjectNode vocab(ObjectNode root) {
        return (ObjectNode) model(root).get("vocab");
    }

    /** Gives a piece another name, so that text cannot become it any more. */
    static void rename(ObjectNode root, String piece, String name) {
        vocab(root).set(name, vocab(root).remove(piece));
    }

    /** Adds a token, under its piece's id if the model has that piece. */
    static void addToken(ObjectNode root, String content, boolean normalized) {
        int id = vocab(root).path(content).asInt(nextId(root));
        root.withArray("added_tokens")
                .addObject()
                .put("id", id)
                .put("content", content)
                .put("single_word", false)
                .put("lstrip", false)
                .put("rstrip", false)
                .put("normalized", normalized)
                .put("special", !normalized);
    }

    private static int nextId(ObjectNode root) {
        long others = root.get("added_tokens")
                .valueStream()
                .filter(token -> !vocab(root).has(token.get("content").stringValue()))
                .count();
        return vocab(root).size() + (int) others;
    }

    static void metaspace(ObjectNode root, String scheme, boolean split) {
        root.putNull("normalizer");
        root.putObject("pre_tokenizer")
                .put("type", "Metaspace")
                .put("replacement", "\u2581")
                .put("prepend_scheme", scheme)
                .put("split", split);
    }
}
