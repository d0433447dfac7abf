package dev.gatun.checkpoint;

import dev.gatun.input.Quoted;
import dev.gatun.input.TextFile;
import dev.gatun.input.UnusableFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;

/**
 * An object of a JSON file whose values are read with their types checked. A value of {@code null} counts as absent,
 * as in the Python programs that write these files.
 */
final class JsonObject {
    private final Path file;
    private final String prefix;
    private final JsonNode node;

    private JsonObject(Path file, String prefix, JsonNode node) {
        this.file = file;
        this.prefix = prefix;
        this.node = node;
    }

    /** The object that a file of at most {@code most} bytes consists of. */
    static JsonObject read(Path file, int most) {
        try {
            return new JsonObject(file, "", TextFile.readObject(file, most));
        } catch (UnusableFileException problem) {
            throw TextFiles.refused(problem);
        }
    }

    boolean has(String key) {
        return get(key).isPresent();
    }

    /** The value as the file spells it, for messages. */
    String spelled(String key) {
        return Quoted.of(node.path(key));
    }

    int requiredInt(String key) {
        return optionalInt(key)
                .orElseThrow(() -> problem("has no " + Quoted.of(prefix + key) + "; download the file again"));
    }

    OptionalInt optionalInt(String key) {
        Optional<JsonNode> value = get(key);
        return value.isEmpty() ? OptionalInt.empty() : OptionalInt.of(integer(key, value.get()));
    }

    OptionalDouble optionalDouble(String key) {
        Optional<JsonNode> value = get(key);
        if (value.isEmpty()) {
            return OptionalDouble.empty();
        }
        if (!value.get().isNumber()) {
            throw wrongType(key, "a number");
        }
        // A whole number of many digits is no double: as one like 1e400 it is out of every range.
        return OptionalDouble.of(value.get().doubleValue(Double.POSITIVE_INFINITY));
    }

    Optional<Boolean> optionalBoolean(String key) {
        return get(key).map(value -> {
            if (!value.isBoolean()) {
                throw wrongType(key, "true or false");
            }
            return value.booleanValue();
        });
    }

    Optional<String> optionalString(String key) {
        return get(key).map(value -> string(key, value));
    }

    Optional<JsonObject> optionalObject(String key) {
        return get(key).map(value -> {
            if (!value.isObject()) {
                throw wrongType(key, "an object");
            }
            return new JsonObject(file, prefix + key + ".", value);
        });
    }

    /** Strings; none when the key is absent. */
    List<String> strings(String key) {
        Optional<JsonNode> list = get(key);
        if (list.isPresent() && !list.get().isArray()) {
            throw wrongType(key, "a list of strings");
        }
        return list.stream()
                .flatMap(array -> array.values().stream())
                .map(value -> string(key, value))
                .toList();
    }

    /** Integers, given as a list or as one; empty when the key is absent. */
    Optional<List<Integer>> oneOrMoreInts(String key) {
        return get(key).map(value -> value.isArray()
                ? value.values().stream().map(element -> integer(key, element)).toList()
                : List.of(integer(key, value)));
    }

    /** All properties of this object, which must be strings. */
    Map<String, String> allStrings() {
        Map<String, String> strings = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> property : node.properties()) {
            strings.put(property.getKey(), string(property.getKey(), property.getValue()));
        }
        return strings;
    }

    /** A problem of this file; {@code what} continues "the file ...". */
    CheckpointException problem(String what) {
        return new CheckpointException(Quoted.of(file) + ": " + what);
    }

    private Optional<JsonNode> get(String key) {
        return Optional.ofNullable(node.get(key)).filter(value -> !value.isNull());
    }

    private int integer(String key, JsonNode value) {
        if (!value.isIntegralNumber() || !value.canConvertToInt()) {
            throw wrongType(key, "a whole number below 2^31");
        }
        return value.intValue();
    }

    private String string(String key, JsonNode value) {
        if (!value.isString()) {
            throw wrongType(key, "a string");
        }
        return value.stringValue();
    }

    private CheckpointException wrongType(String key, String expected) {
        return problem(Quoted.of(prefix + key) + " must be " + expected + ", but is " + spelled(key)
                + "; download the file again");
    }
}
