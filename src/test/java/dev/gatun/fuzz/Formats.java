package dev.gatun.fuzz;

import dev.gatun.hub.JournalFormat;
import dev.gatun.hub.ListingFormat;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** All formats that Gatun reads. */
public final class Formats {
    private static final String INDEX = "model.safetensors.index.json";

    private Formats() {}

    public static List<Format> all() {
        List<String> templates = templates();
        return List.of(
                new ModelFormat("header", SmallModel.PLAIN, Formats::isShard, header()),
                new ModelFormat("index", SmallModel.PLAIN, INDEX::equals, json()),
                new ModelFormat(
                        "offloading", SmallModel.OFFLOADING, file -> isShard(file) || file.equals(INDEX), anyFile()),
                new ModelFormat("metas", SmallModel.OFFLOADING, Formats::isShard, new TensorMutation(".meta.")),
                new ModelFormat("weights", SmallModel.PLAIN, Formats::isShard, new TensorMutation("")),
                new ModelFormat("config", SmallModel.OFFLOADING, "config.json"::equals, json()),
                new ModelFormat("generation", SmallModel.PLAIN, "generation_config.json"::equals, json()),
                new ModelFormat("tiles", SmallModel.TILES, Formats::isShard, shard()),
                new ModelFormat("wide-tiles", SmallModel.WIDE_TILES, Formats::isShard, shard()),
                new ModelFormat("matrices", SmallModel.MATRICES, Formats::isShard, shard()),
                new ModelFormat("three-bits", SmallModel.THREE_BITS, Formats::isShard, shard()),
                new ModelFormat("schemes", SmallModel.THREE_BITS, "quantization.json"::equals, json()),
                new ModelFormat("planes", SmallModel.THREE_BIT_MATRICES, Formats::isShard, shard()),
                new ModelFormat("folder", SmallModel.OFFLOADING, file -> true, anyFile()),
                new ChecksumsFormat(),
                new TokenizerFormat("tokenizer", SmallTokenizer.json(true)),
                new TokenizerFormat("metaspace", SmallTokenizer.withMetaspace()),
                new ChatFormatFiles("template", false, templates),
                new ChatFormatFiles("jinja", true, templates),
                new TraceFormat(),
                new ListingFormat(),
                new JournalFormat());
    }

    /** Damage to a JSON file. */
    public static Mutation json() {
        JsonMutation tree = new JsonMutation();
        return Mutation.oneOf(tree, tree, tree, new TextMutation(), new ByteMutation());
    }

    private static Mutation header() {
        Mutation header = new HeaderMutation(json());
        return Mutation.oneOf(header, header, header, new ByteMutation());
    }

    private static Mutation shard() {
        return Mutation.oneOf(new HeaderMutation(json()), new TensorMutation(""), new ByteMutation());
    }

    /** Headers where there are any, and text elsewhere. */
    private static Mutation anyFile() {
        Mutation header = header();
        Mutation json = json();
        return (bytes, random) -> (SafetensorsBytes.of(bytes).isPresent() ? header : json).apply(bytes, random);
    }

    private static boolean isShard(String file) {
        return file.endsWith(".safetensors");
    }

    /** Those of the reference data that can be rendered, which use all that is supported. */
    private static List<String> templates() {
        Path vectors = Path.of(System.getProperty("gatun.test.data"), "chat-template-vectors.json");
        return JsonMapper.shared()
                .readTree(vectors.toFile())
                .path("cases")
                .valueStream()
                .filter(reference -> reference.has("text"))
                .map(reference -> reference.path("template"))
                .map(JsonNode::stringValue)
                .distinct()
                .toList();
    }
}
