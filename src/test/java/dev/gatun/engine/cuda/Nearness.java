package dev.gatun.engine.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.cpu.Reference;

/** How near a kernel's results must come. */
final class Nearness {
    private Nearness() {}

    /**
     * Relative to the 2-norm of what is expected; and no value is off by more than eight times the average.
     *
     * @param what a failure's first words
     * @param least the 2-norm that counts where that of what is expected is less
     */
    static void require(String what, float[] actual, double[] expected, double tolerance, double least) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        double norm = Math.max(least, Reference.norm(expected));
        double[] errors = new double[expected.length];
        for (int i = 0; i < errors.length; i++) {
            errors[i] = Math.abs(actual[i] - expected[i]);
        }
        double difference = Reference.norm(errors);
        // Not "greater than": a NaN must fail.
        assertThat(difference <= tolerance * norm)
                .as("%s: relative error %s, at most %s", what, difference / norm, tolerance)
                .isTrue();
        double most = 8 * tolerance * norm / Math.sqrt(expected.length);
        for (int i = 0; i < errors.length; i++) {
            assertThat(errors[i] <= most + tolerance * Math.abs(expected[i]))
                    .as("%s: value %d: %s is not %s", what, i, actual[i], expected[i])
                    .isTrue();
        }
    }
}
