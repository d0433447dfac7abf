package dev.gatun.cli;

import dev.gatun.offload.CurvePage;
import dev.gatun.offload.CurvePage.Curve;
import dev.gatun.offload.GuessWorth;
import dev.gatun.offload.PolicyKind;
import dev.gatun.offload.RoutingGuesses;
import dev.gatun.offload.RoutingTrace;
import dev.gatun.offload.SpeculativeRecall;
import dev.gatun.offload.TraceReplay;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What guesses layers ahead were worth, as text and as a plot. */
final class RecallTable {
    private static final int COLUMNS = 8;

    private final RoutingTrace trace;
    private final TraceReplay replay;
    private final SpeculativeRecall recall;

    RecallTable(RoutingTrace trace, RoutingGuesses guesses, TraceReplay replay) {
        this.trace = trace;
        this.replay = replay;
        this.recall = new SpeculativeRecall(trace, guesses);
    }

    /** The recall for each distance. */
    CurvePage.Plot plot() {
        List<Curve> curves = new ArrayList<>();
        for (int ahead = 1; ahead <= recall.layersAhead(); ahead++) {
            curves.add(new Curve(ahead(ahead), false, ahead - 1, recall.curve(ahead)));
        }
        curves.add(new Curve("chance", true, 4, chance()));
        return new CurvePage.Plot("experts guessed", "speculative recall", curves);
    }

    /** The lines of the tables; {@code byLayer} adds each guessed layer to the first one. */
    List<String> lines(boolean byLayer) {
        List<String> lines = new ArrayList<>();
        lines.add("speculative recall: how many of a layer's experts were among the k likeliest");
        lines.add(row("experts guessed", String::valueOf));
        lines.add(row("chance", ratios(chance())));
        for (int ahead = 1; ahead <= recall.layersAhead(); ahead++) {
            lines.add(row(ahead(ahead), ratios(recall.curve(ahead))));
            for (int layer = ahead; byLayer && layer < trace.layers(); layer++) {
                lines.add(row("  layer " + layer, ratios(recall.curve(ahead, layer))));
            }
        }
        lines.add("");
        lines.addAll(worthLines());
        return lines;
    }

    private List<String> worthLines() {
        int slots = Math.max(1, trace.experts() / 2);
        List<String> lines = new ArrayList<>();
        lines.add("copying ahead what an lru cache of " + slots + " slots a layer does not hold: how often");
        lines.add("the k-th guess is right, the share of misses that k of them foresee, and copies");
        lines.add("in vain for a layer and token");
        lines.add(row("experts guessed", String::valueOf));
        for (int ahead = 1; ahead <= recall.layersAhead(); ahead++) {
            List<GuessWorth> worth = worth(slots, ahead);
            lines.add(row(ahead(ahead), k -> ""));
            lines.add(row("  k-th right", k -> ratio(last(worth, k).precision())));
            lines.add(row("  foreseen", k -> ratio(worth.get(k - 1).foreseen())));
            lines.add(row("  in vain", k -> ratio(worth.get(k - 1).wastedPerLayer())));
        }
        return lines;
    }

    /** What the last of {@code k} guesses is worth. */
    private static GuessWorth last(List<GuessWorth> worth, int k) {
        return k == 1 ? worth.getFirst() : worth.get(k - 1).beyond(worth.get(k - 2));
    }

    private List<GuessWorth> worth(int slots, int ahead) {
        return IntStream.rangeClosed(1, columns())
                .mapToObj(k -> replay.worth(PolicyKind.LRU, slots, ahead, k))
                .toList();
    }

    private List<Double> chance() {
        return IntStream.rangeClosed(1, trace.experts())
                .mapToObj(k -> (double) k / trace.experts())
                .toList();
    }

    private int columns() {
        return Math.min(COLUMNS, trace.experts());
    }

    private String row(String name, IntFunction<String> cell) {
        String cells = IntStream.rangeClosed(1, columns())
                .mapToObj(k -> String.format("%-7s", cell.apply(k)))
                .collect(Collectors.joining());
        return (String.format("%-17s", name) + cells).stripTrailing();
    }

    private static IntFunction<String> ratios(List<Double> curve) {
        return k -> ratio(curve.get(k - 1));
    }

    private static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.3f", ratio);
    }

    private static String ahead(int layers) {
        return layers + (layers == 1 ? " layer ahead" : " layers ahead");
    }
}
