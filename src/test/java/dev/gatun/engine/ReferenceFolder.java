package dev.gatun.engine;

import dev.gatun.checkpoint.SafetensorsFile;
import dev.gatun.checkpoint.Tensor;
import dev.gatun.text.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A model, and what the reference libraries compute for it. */
public record ReferenceFolder(Path model, Path expected) {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    /** The small Mixtral in bf16. */
    public static ReferenceFolder unquantized() {
        Path model = Path.of(System.getProperty("gatun.test.unpacked"), "mixtral-small");
        if (!Files.isDirectory(model)) {
            throw new IllegalStateException("`" + model + "` is not unpacked; run the tests with `make test`");
        }
        return new ReferenceFolder(model, data("mixtral-small-expected"));
    }

    /** The same model, quantized by HQQ. */
    public static ReferenceFolder quantized() {
        return new ReferenceFolder(Path.of(System.getProperty("gatun.demo"), "hqq-small"), data("hqq-small-expected"));
    }

    private static Path data(String name) {
        return Path.of(System.getProperty("gatun.test.data"), name);
    }

    /** The tokens of a text that the model was not trained on, without one that begins it. */
    public int[] heldOut() throws IOException {
        return Tokenizer.load(model.resolve("tokenizer.json")).encode(Files.readString(data("heldout.txt")));
    }

    /** One of the reference's prompts, with its greedy continuation. */
    public record Prompt(JsonNode fields) {
        public String name() {
            return fields.path("name").asString();
        }

        public int[] ids() {
            return integers("ids");
        }

        public int[] greedyIds() {
            return integers("greedy_ids");
        }

        public double[] greedyMargins() {
            return fields.path("greedy_margins")
                    .valueStream()
                    .mapToDouble(JsonNode::asDouble)
                    .toArray();
        }

        private int[] integers(String field) {
            return fields.path(field).valueStream().mapToInt(JsonNode::asInt).toArray();
        }
    }

    public List<Prompt> prompts() {
        return json("prompts.json").valueStream().map(Prompt::new).toList();
    }

    public Prompt prompt(String name) {
        return prompts().stream()
                .filter(prompt -> prompt.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    public JsonNode json(String file) {
        try {
            return JsonMapper.shared().readTree(Files.readString(expected.resolve(file)));
        } catch (IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    public float[] floats(String file, String tensor) {
        try (Arena arena = Arena.ofConfined()) {
            return tensor(arena, file, tensor).data().toArray(FLOAT);
        }
    }

    public int[] ints(String file, String tensor) {
        try (Arena arena = Arena.ofConfined()) {
            return tensor(arena, file, tensor).data().toArray(INT);
        }
    }

    private Tensor tensor(Arena arena, String file, String name) {
        return SafetensorsFile.map(expected.resolve(file), arena).tensors().get(name);
    }
}
