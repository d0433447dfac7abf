package dev.gatun.checkpoint;

import dev.gatun.checkpoint.SafetensorsHeader.Entry;
import dev.gatun.input.Quoted;
import dev.gatun.input.StrictJson;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;

/**
 * Reads the JSON header of one safetensors file token by token, so that a header made to exhaust memory cannot, and
 * checks every number in it against the data behind it.
 */
final class SafetensorsHeaderParser {
    private static final int MOST_DIMENSIONS = 16;

    private final Path file;
    private final long dataBytes;
    private final Map<String, String> metadata = new HashMap<>();
    private final List<Entry> entries = new ArrayList<>();

    private SafetensorsHeaderParser(Path file, long dataBytes) {
        this.file = file;
        this.dataBytes = dataBytes;
    }

    /**
     * Parses a header.
     *
     * @param file for messages alone
     * @param json the header, decoded
     * @param dataBytes bytes of the file behind the header
     * @throws CheckpointException for anything the format does not allow
     */
    static SafetensorsHeader parse(Path file, String json, long dataBytes) {
        SafetensorsHeaderParser reader = new SafetensorsHeaderParser(file, dataBytes);
        try (JsonParser parser = StrictJson.parser(json)) {
            reader.readRoot(parser);
        } catch (JacksonException problem) {
            throw new CheckpointException(
                    Quoted.of(file) + ": its header is not valid JSON: " + StrictJson.describe(problem)
                            + "; download the file again",
                    problem);
        }
        reader.requireSeamless();
        return new SafetensorsHeader(reader.metadata, reader.entries);
    }

    private void readRoot(JsonParser parser) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw problem("its header is not a JSON object");
        }
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String name = parser.currentName();
            if (name.equals("__metadata__")) {
                readMetadata(parser);
            } else {
                readTensor(parser, name);
            }
        }
        if (parser.nextToken() != null) {
            throw problem("something follows the JSON object in its header");
        }
    }

    private void readMetadata(JsonParser parser) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw problem("`__metadata__` is not an object");
        }
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw problem("`__metadata__` has a value that is not a string, " + Quoted.of(key));
            }
            metadata.put(key, parser.getString());
        }
    }

    private void readTensor(JsonParser parser, String name) {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw problem(name, "is not described by an object");
        }
        TensorType type = null;
        List<Long> shape = null;
        List<Long> offsets = null;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            switch (key) {
                case "dtype" -> type = readType(parser, name);
                case "shape" -> shape = readIntegers(parser, name, key, MOST_DIMENSIONS);
                case "data_offsets" -> offsets = readIntegers(parser, name, key, 2);
                default -> throw problem(name, "has an unknown property " + Quoted.of(key));
            }
        }
        if (type == null || shape == null || offsets == null) {
            String missing = type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
            throw problem(name, "has no `" + missing + "`");
        }
        entries.add(checked(name, type, shape, offsets));
    }

    private TensorType readType(JsonParser parser, String name) {
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
            throw problem(name, "has a dtype that is not a string");
        }
        String type = parser.getString();
        return TensorType.named(type)
                .orElseThrow(() -> new CheckpointException(where(name) + " has the dtype " + Quoted.of(type)
                        + ", which Gatun does not read; get the model in bf16, fp16 or fp32"));
    }

    private List<Long> readIntegers(JsonParser parser, String name, String key, int most) {
        if (parser.nextToken() != JsonToken.START_ARRAY) {
            throw problem(name, "has a " + key + " that is not a list");
        }
        List<Long> numbers = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (numbers.size() == most) {
                throw problem(name, "has more than " + most + " numbers in its " + key);
            }
            numbers.add(integer(parser, name, key));
        }
        return numbers;
    }

    private long integer(JsonParser parser, String name, String key) {
        boolean fits = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
                && parser.getNumberType() != JsonParser.NumberType.BIG_INTEGER;
        if (!fits || parser.getLongValue() < 0) {
            throw problem(name, "has something in its " + key + " that is not a whole number from 0 to 2^63-1");
        }
        return parser.getLongValue();
    }

    private Entry checked(String name, TensorType type, List<Long> shape, List<Long> offsets) {
        if (offsets.size() != 2) {
            throw problem(name, "has " + offsets.size() + " data_offsets; there must be two");
        }
        long begin = offsets.get(0);
        long end = offsets.get(1);
        if (begin > end) {
            throw problem(name, "has data_offsets that end before they begin: " + offsets);
        }
        if (end > dataBytes) {
            throw problem(
                    name,
                    "ends at byte " + end + " of the data, but the file has only " + dataBytes
                            + ": it is cut short, or its header is wrong");
        }
        if (end - begin != bytes(name, type, shape)) {
            throw problem(name, "has " + (end - begin) + " bytes, which is not " + type + " of shape " + shape);
        }
        return new Entry(name, type, shape, begin, end);
    }

    private long bytes(String name, TensorType type, List<Long> shape) {
        try {
            long bytes = type.bytes();
            for (long dimension : shape) {
                bytes = Math.multiplyExact(bytes, dimension);
            }
            return bytes;
        } catch (ArithmeticException overflow) {
            throw problem(name, "has a shape too large for any file: " + shape);
        }
    }

    private void requireSeamless() {
        entries.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long covered = 0;
        String before = "the header";
        for (Entry entry : entries) {
            if (entry.begin() < covered) {
                throw problem(entry.name(), "overlaps " + before);
            }
            if (entry.begin() > covered) {
                throw problem(
                        entry.name(), "begins " + (entry.begin() - covered) + " bytes behind the end of " + before);
            }
            covered = entry.end();
            before = "tensor " + Quoted.of(entry.name());
        }
        if (covered < dataBytes) {
            throw problem((dataBytes - covered) + " bytes at its end belong to no tensor");
        }
    }

    private CheckpointException problem(String what) {
        return new CheckpointException(Quoted.of(file) + ": " + what + "; download the file again");
    }

    private CheckpointException problem(String tensor, String what) {
        return new CheckpointException(where(tensor) + " " + what + "; download the file again");
    }

    private String where(String tensor) {
        return Quoted.of(file) + ": tensor " + Quoted.of(tensor);
    }
}
