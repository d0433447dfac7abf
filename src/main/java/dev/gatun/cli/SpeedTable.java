package dev.gatun.cli;

import dev.gatun.offload.CostModel;
import dev.gatun.offload.MissMode;
import dev.gatun.offload.Prediction;
import java.io.PrintStream;
import java.util.Locale;
import java.util.function.Function;

/** The speed that a plan is predicted to have, as a table for people: what each road to missing experts carries, and alone. */
final class SpeedTable {
    private final PrintStream out;
    private final CostModel costs;

    private SpeedTable(PrintStream out, CostModel costs) {
        this.out = out;
        this.costs = costs;
    }

    /**
     * Prints it.
     *
     * @param mode which roads are open to missing experts
     * @param predicted what is to be expected with those that are open in a mode
     */
    static void print(PrintStream out, CostModel costs, MissMode mode, Function<MissMode, Prediction> predicted) {
        SpeedTable table = new SpeedTable(out, costs);
        Prediction prediction = predicted.apply(mode);
        table.misses(prediction);
        table.besides(prediction);
        table.rate("tokens/s", prediction.atMost(), "at most");
        table.rate("", prediction.tokensPerSecond(), "to expect");
        if (mode == MissMode.AUTO && prediction.missesPerToken() > 0) {
            table.rate("  link alone", predicted.apply(MissMode.FETCH).tokensPerSecond(), "with --misses fetch");
            table.rate("  CPU alone", predicted.apply(MissMode.CPU).tokensPerSecond(), "with --misses cpu");
        }
    }

    private void misses(Prediction prediction) {
        out.printf(Locale.ROOT, "%-18s %9.3f     every expert equally likely%n", "hit ratio", prediction.hitRatio());
        out.printf(Locale.ROOT, "%-18s %9.1f     a token%n", "misses", prediction.missesPerToken());
        road("  fetched", prediction.bytesFetched(), prediction.fetchSeconds());
        road("  by the CPU", prediction.bytesComputed(), prediction.computeSeconds());
    }

    /** Nothing of a road that is not used. */
    private void road(String name, double bytes, double seconds) {
        if (bytes > 0) {
            out.printf(
                    Locale.ROOT,
                    "%-18s %12s  at %s/s: %.2f ms%n",
                    name,
                    Units.gigabytes(Math.round(bytes)),
                    Units.gigabytes(Math.round(bytes / seconds)),
                    seconds * 1e3);
        }
    }

    private void besides(Prediction prediction) {
        out.printf(
                Locale.ROOT,
                "%-18s %9.2f ms  trunk %.2f, layers that only hit %.2f; at %s/s%n",
                "GPU's own reading",
                (prediction.trunkSeconds() + prediction.hitSeconds()) * 1e3,
                prediction.trunkSeconds() * 1e3,
                prediction.hitSeconds() * 1e3,
                Units.gigabytes(Math.round(costs.hbm())));
        out.printf(
                Locale.ROOT,
                "%-18s %9.2f ms  a layer %.0f µs for its trunk and %.0f for its experts; where one misses, %.0f for copies "
                        + "and %.0f for the CPU%n",
                "besides",
                prediction.fixedSeconds() * 1e3,
                costs.trunkLayer() * 1e6,
                costs.expertLayer() * 1e6,
                costs.reaction() * 1e6,
                costs.job() * 1e6);
    }

    private void rate(String name, double tokensPerSecond, String what) {
        out.printf(Locale.ROOT, "%-18s %9.1f     %s%n", name, tokensPerSecond, what);
    }
}
