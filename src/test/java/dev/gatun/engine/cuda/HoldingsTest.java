package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HoldingsTest {
    private final List<String> closed = new ArrayList<>();
    private final Holdings holdings = new Holdings();

    private AutoCloseable resource(String name) {
        return () -> closed.add(name);
    }

    private AutoCloseable unwilling(String name, Exception failure) {
        return () -> {
            closed.add(name);
            throw failure;
        };
    }

    @Test
    void theLastThatWasOpenedIsClosedFirstAndEachOnce() {
        AutoCloseable first = resource("first");
        assertThat(holdings.remember(first)).isSameAs(first);
        holdings.remember(resource("second"));
        assertThat(closed).isEmpty();
        holdings.close();
        holdings.close();
        assertThat(closed).containsExactly("second", "first");
    }

    @Test
    void allIsClosedWhateverFails() {
        RuntimeException two = new IllegalStateException("two");
        IOException three = new IOException("three");
        holdings.remember(resource("one"));
        holdings.remember(unwilling("two", two));
        holdings.remember(unwilling("three", three));
        assertThatThrownBy(holdings::close)
                .hasCause(three)
                .satisfies(failure -> assertThat(failure.getSuppressed()).containsExactly(two));
        assertThat(closed).containsExactly("three", "two", "one");
    }

    @Test
    void whoeverFailsHalfWayKeepsNothingAndSaysWhyFirst() {
        RuntimeException failure = new IllegalStateException("the second could not be opened");
        RuntimeException further = new IllegalStateException("nor could the first be closed");
        assertThatThrownBy(() -> new HalfOpened(unwilling("first", further), failure))
                .isSameAs(failure)
                .satisfies(thrown -> assertThat(thrown.getSuppressed()).containsExactly(further));
        assertThat(closed).containsExactly("first");
    }

    /** As {@link UploadRing} and {@link LogitsDownload} do it. */
    private static final class HalfOpened {
        HalfOpened(AutoCloseable first, RuntimeException second) {
            Holdings holdings = new Holdings();
            try {
                holdings.remember(first);
                throw second;
            } catch (RuntimeException | Error failure) {
                holdings.closeAfter(failure);
                throw failure;
            }
        }
    }
}
