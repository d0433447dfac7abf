package dev.gatun.input;

import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON by the letter: no duplicate keys, nothing behind the value. */
public final class StrictJson {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** What Jackson says of its own classes and switches, which means nothing to a user. */
    private static final Pattern JACKSONS_OWN = Pattern.compile(
            " \\(start marker at .*| \\(for \\w+ starting at .*|: enable `.*|, from `[^`]*`| \\(`[^`]*`\\)(?= found)| \\(bound as .*",
            Pattern.DOTALL);

    private StrictJson() {}

    /** A parser of a text, for what is read value by value. */
    public static JsonParser parser(String json) {
        return MAPPER.createParser(json);
    }

    /**
     * The value that a text is.
     *
     * @throws JacksonException if it is none
     */
    public static JsonNode tree(String json) {
        return MAPPER.readTree(json);
    }

    /** What is wrong and at which line and column, without the excerpt that Jackson adds on lines of its own. */
    public static String describe(JacksonException problem) {
        TokenStreamLocation location = problem.getLocation();
        String place =
                location == null ? "" : " (line " + location.getLineNr() + ", column " + location.getColumnNr() + ")";
        return Quoted.oneLine(JACKSONS_OWN.matcher(problem.getOriginalMessage()).replaceAll("")) + place;
    }
}
