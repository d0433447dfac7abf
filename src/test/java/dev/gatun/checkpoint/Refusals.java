package dev.gatun.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Path;
import org.assertj.core.api.AbstractStringAssert;

/** Opens what must not open, and hands its message on. */
final class Refusals {
    private Refusals() {}

    static AbstractStringAssert<?> assertRefused(Path folder) {
        return assertOneLine(catchThrowable(() -> Checkpoint.open(folder).close()));
    }

    static AbstractStringAssert<?> assertOneLine(Throwable thrown) {
        assertThat(thrown).isExactlyInstanceOf(CheckpointException.class);
        return assertThat(thrown.getMessage()).doesNotContain("\n", "\r", "\u2028", "\0");
    }
}
