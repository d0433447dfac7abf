package dev.gatun.hub;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SequencedMap;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The files that a {@link FakeHub} has, and the listing of them; those named {@code *.safetensors} are large. */
public final class FakeModel {
    public static final String ID = "owner/tiny-model";
    public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private final SequencedMap<String, byte[]> files;
    /** As the hub lists it; a test may change what it says. */
    private final ObjectNode listing;

    public FakeModel(SequencedMap<String, byte[]> files) {
        this.files = files;
        this.listing = JsonMapper.shared().createObjectNode().put("id", ID).put("sha", COMMIT);
        ArrayNode siblings = listing.putArray("siblings");
        files.forEach((path, content) -> siblings.add(entry(path, content)));
    }

    /** A few small files and two large ones of random bytes, 1,000,000 and 300,001. */
    static FakeModel small(long seed) {
        Random random = new Random(seed);
        SequencedMap<String, byte[]> files = new LinkedHashMap<>();
        files.put(".gitattributes", "*.safetensors filter=lfs\n".getBytes(StandardCharsets.UTF_8));
        files.put("README.md", "A model.\n".getBytes(StandardCharsets.UTF_8));
        files.put("config.json", "{\"model_type\": \"mixtral\"}".getBytes(StandardCharsets.UTF_8));
        files.put("empty.json", new byte[0]);
        files.put("model-00001-of-00002.safetensors", bytes(random, 1_000_000));
        files.put("model-00002-of-00002.safetensors", bytes(random, 300_001));
        files.put("onnx/with space.json", "{}".getBytes(StandardCharsets.UTF_8));
        return new FakeModel(files);
    }

    /** Three equal large files, and three equal small ones. */
    static FakeModel withTwins(long seed) {
        byte[] large = bytes(new Random(seed), 250_000);
        SequencedMap<String, byte[]> files = new LinkedHashMap<>();
        for (String name : List.of("a", "b", "c")) {
            files.put(name + ".safetensors", large);
            files.put(name + ".json", "{}".getBytes(StandardCharsets.UTF_8));
        }
        return new FakeModel(files);
    }

    private static byte[] bytes(Random random, int count) {
        byte[] bytes = new byte[count];
        random.nextBytes(bytes);
        return bytes;
    }

    private static ObjectNode entry(String path, byte[] content) {
        ObjectNode entry = JsonMapper.shared().createObjectNode();
        entry.put("rfilename", path).put("size", content.length).put("blobId", gitHash(content));
        if (isLarge(path)) {
            entry.putObject("lfs")
                    .put("sha256", hash("SHA-256", content))
                    .put("size", content.length)
                    .put("pointerSize", 134);
        }
        return entry;
    }

    ArrayNode siblings() {
        return (ArrayNode) listing.get("siblings");
    }

    ObjectNode json() {
        return listing;
    }

    byte[] listing() {
        return JsonMapper.shared().writeValueAsBytes(listing);
    }

    Map<String, byte[]> files() {
        return files;
    }

    Optional<byte[]> small(String path) {
        return Optional.ofNullable(files.get(path));
    }

    Optional<String> largeHash(String path) {
        return small(path).filter(content -> isLarge(path)).map(content -> hash("SHA-256", content));
    }

    Optional<byte[]> large(String hash) {
        return files.values().stream()
                .filter(content -> hash("SHA-256", content).equals(hash))
                .findFirst();
    }

    /** The name of a file's content in a cache. */
    static String blobName(String path, byte[] content) {
        return isLarge(path) ? hash("SHA-256", content) : gitHash(content);
    }

    private static boolean isLarge(String path) {
        return path.endsWith(".safetensors");
    }

    private static String gitHash(byte[] content) {
        byte[] header = ("blob " + content.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[header.length + content.length];
        System.arraycopy(header, 0, all, 0, header.length);
        System.arraycopy(content, 0, all, header.length, content.length);
        return hash("SHA-1", all);
    }

    private static String hash(String algorithm, byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(content));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible);
        }
    }
}
