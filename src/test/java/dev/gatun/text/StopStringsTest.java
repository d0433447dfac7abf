package dev.gatun.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.quicktheories.QuickTheory.qt;
import static org.quicktheories.generators.SourceDSL.lists;
import static org.quicktheories.generators.SourceDSL.strings;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.quicktheories.core.Gen;

/** A text cut while it streams is the text cut as a whole. */
class StopStringsTest {
    private static final Gen<String> STOP =
            strings().betweenCodePoints('a', 'c').ofLengthBetween(1, 4);
    private static final Gen<List<String>> STOPS = lists().of(STOP).ofSizeBetween(0, 4);
    private static final Gen<List<String>> CHUNKS = lists().of(
                    strings().betweenCodePoints('a', 'c').ofLengthBetween(0, 5))
            .ofSizeBetween(0, 12);

    @Test
    void chunksNeverChangeTheResult() {
        qt().withExamples(20_000).forAll(STOPS, CHUNKS).checkAssert((stops, chunks) -> {
            String whole = String.join("", chunks);
            assertThat(streamed(new StopStrings(stops), chunks)).isEqualTo(cut(whole, stops));
        });
    }

    @Test
    void heldBackTextCouldAlwaysBecomeAStopString() {
        qt().withExamples(20_000).forAll(STOPS, CHUNKS).checkAssert((stops, chunks) -> {
            StopStrings stream = new StopStrings(stops);
            String text = "";
            String shown = "";
            for (String chunk : chunks) {
                text += chunk;
                StopStrings.Result result = stream.append(chunk);
                shown += result.text();
                if (result.stopped()) {
                    return;
                }
                String held = text.substring(shown.length());
                assertThat(held.isEmpty() || stops.stream().anyMatch(stop -> stop.startsWith(held)))
                        .as("held back <%s>", held)
                        .isTrue();
            }
        });
    }

    @Test
    void theStopStringThatIsCompleteFirstCounts() {
        assertThat(new StopStrings(List.of("abcd", "bc")).append("xabcd"))
                .isEqualTo(new StopStrings.Result("xa", true));
    }

    @Test
    void ofStopStringsCompleteTogetherTheLongestCounts() {
        assertThat(new StopStrings(List.of("bc", "abc", "c")).append("xabc"))
                .isEqualTo(new StopStrings.Result("x", true));
    }

    @Test
    void afterTheStopNothingFollows() {
        StopStrings stream = new StopStrings(List.of("."));
        stream.append("a.b");
        assertThat(stream.append("c")).isEqualTo(new StopStrings.Result("", true));
        assertThat(stream.finish()).isEmpty();
    }

    @Test
    void anEmptyStopStringIsRefused() {
        assertThatThrownBy(() -> new StopStrings(List.of("a", ""))).isInstanceOf(IllegalArgumentException.class);
    }

    private static String streamed(StopStrings stream, List<String> chunks) {
        StringBuilder shown = new StringBuilder();
        boolean stopped = false;
        for (String chunk : chunks) {
            StopStrings.Result result = stream.append(chunk);
            shown.append(result.text());
            stopped |= result.stopped();
        }
        String rest = stream.finish();
        assertThat(stopped && !rest.isEmpty()).as("text after the stop").isFalse();
        return shown.append(rest).toString();
    }

    /** The rule read off the whole text: the least end, then the least start. */
    private static String cut(String whole, List<String> stops) {
        for (int end = 0; end <= whole.length(); end++) {
            for (int start = 0; start < end; start++) {
                if (stops.contains(whole.substring(start, end))) {
                    return whole.substring(0, start);
                }
            }
        }
        return whole;
    }
}
