package dev.gatun.offload;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads what {@link TraceWriter} writes, and checks every number of it. */
public final class TraceReader {
    private static final int MOST_LAYERS = 1 << 10;
    private static final int MOST_EXPERTS = 1 << 10;
    /** Some ten times what all guesses of the largest models take. */
    private static final int LONGEST_LINE = 1 << 24;

    private final String model;
    private final int layers;
    private final int experts;
    private final int expertsPerToken;
    private final Optional<GuessReader> guesses;
    private int[] chosen = new int[1 << 12];
    private int filled;

    private TraceReader(JsonNode header) {
        require(header.path("format").asString("").equals(TraceWriter.FORMAT), "it is no routing trace");
        require(
                integer(header, "version", 1, Integer.MAX_VALUE) == TraceWriter.VERSION,
                "its version is " + header.path("version") + ", and this Gatun knows " + TraceWriter.VERSION);
        this.model = header.path("model").asString("unknown");
        this.layers = integer(header, "layers", 1, MOST_LAYERS);
        this.experts = integer(header, "experts", 1, MOST_EXPERTS);
        this.expertsPerToken = integer(header, "experts_per_token", 1, experts);
        this.guesses = header.has("layers_ahead")
                ? Optional.of(new GuessReader(layers, experts, integer(header, "layers_ahead", 1, layers - 1)))
                : Optional.empty();
    }

    /**
     * Reads a file.
     *
     * @throws TraceException if it cannot be read, or is no trace, or holds no token
     */
    public static RoutingTrace read(Path file) {
        int line = 0;
        try (BufferedReader in = Files.newBufferedReader(file)) {
            line++;
            TraceReader reader = new TraceReader(object(line(in)));
            line++;
            for (String text = line(in); text != null; text = line(in)) {
                reader.token(object(text));
                line++;
            }
            require(reader.filled > 0, "it holds no token");
            return reader.trace();
        } catch (NoSuchFileException none) {
            throw new TraceException("trace: `" + file + "`: there is no such file", none);
        } catch (CharacterCodingException otherwise) {
            throw new TraceException("trace: `" + file + "`: it is no routing trace (not UTF-8)", otherwise);
        } catch (IOException unreadable) {
            throw new TraceException("trace: `" + file + "` cannot be read: " + unreadable.getMessage(), unreadable);
        } catch (BadLineException bad) {
            throw new TraceException("trace: `" + file + "`, line " + line + ": " + bad.getMessage(), bad);
        }
    }

    /** A line, or null at the end of the file. */
    private static String line(BufferedReader in) throws IOException {
        StringBuilder line = new StringBuilder();
        int next = in.read();
        boolean isEnd = next < 0;
        for (; next >= 0 && next != '\n'; next = in.read()) {
            require(
                    line.length() < LONGEST_LINE,
                    "it is no routing trace (a line is longer than " + LONGEST_LINE + " characters)");
            line.append((char) next);
        }
        return isEnd ? null : line.toString();
    }

    private static JsonNode object(String line) {
        try {
            JsonNode node = line == null ? null : JsonMapper.shared().readTree(line);
            require(node != null && node.isObject(), "it is no routing trace (no JSON object)");
            return node;
        } catch (JacksonException noJson) {
            throw new BadLineException("it is no routing trace, or one that was cut off (no JSON)", noJson);
        }
    }

    private void token(JsonNode line) {
        integer(line, "position", 0, Integer.MAX_VALUE);
        JsonNode choices = line.path("experts");
        require(choices.isArray() && choices.size() == layers, "`experts` must be an array of " + layers + " layers");
        for (JsonNode layer : choices) {
            choice(layer);
        }
        guesses.ifPresent(reader -> reader.token(line.path("guesses")));
    }

    private void choice(JsonNode layer) {
        require(
                layer.isArray() && layer.size() == expertsPerToken,
                "`experts` must hold arrays of " + expertsPerToken + " numbers");
        int first = reserve(expertsPerToken);
        for (int i = 0; i < expertsPerToken; i++) {
            int expert = inRange(layer.get(i), "experts", 0, experts - 1);
            for (int before = first; before < first + i; before++) {
                require(chosen[before] != expert, "expert " + expert + " is chosen twice by one layer");
            }
            chosen[first + i] = expert;
        }
    }

    private int reserve(int count) {
        int first = filled;
        require(first <= Integer.MAX_VALUE / 4, "the trace is too long");
        filled += count;
        if (filled > chosen.length) {
            chosen = Arrays.copyOf(chosen, Math.max(filled, 2 * chosen.length));
        }
        return first;
    }

    private RoutingTrace trace() {
        return new RoutingTrace(
                model,
                layers,
                experts,
                expertsPerToken,
                Arrays.copyOf(chosen, filled),
                guesses.map(GuessReader::guesses));
    }

    private static int integer(JsonNode object, String name, int least, int most) {
        return inRange(object.path(name), name, least, most);
    }

    static int inRange(JsonNode number, String name, int least, int most) {
        require(
                number.isInt() && number.asInt() >= least && number.asInt() <= most,
                "`" + name + "` must be a whole number from " + least + " to " + most);
        return number.asInt();
    }

    static void require(boolean met, String complaint) {
        if (!met) {
            throw new BadLineException(complaint, null);
        }
    }

    /** What is wrong with the line being read; the reader adds file and line. */
    private static final class BadLineException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadLineException(String message, Throwable cause) {
            super(message, cause);
        }
    }
}
