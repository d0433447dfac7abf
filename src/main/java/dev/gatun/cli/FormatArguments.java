package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.quantize.PartFormat;
import dev.gatun.quantize.QuantizationPlan;
import dev.gatun.quantize.SolverChoice;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say what the matrices of a model become. */
final class FormatArguments {
    /** Bits of what is not quantized. */
    private static final int UNQUANTIZED = 16;

    @Option(
            names = "--experts",
            paramLabel = "BITS",
            defaultValue = "2",
            description = "Bits of experts' codes: 2, 3, 4 or 8; 16 leaves them as they are. Default: 2.")
    private int experts;

    @Option(
            names = "--expert-group",
            paramLabel = "ROWS",
            description = "Rows that share a scale and a zero. Default: 16 for 2 bits, 64 for more.")
    private Optional<Integer> expertGroup = Optional.empty();

    @Option(
            names = "--scale-bits",
            paramLabel = "BITS",
            description =
                    "Bits of experts' scales and zeros: 4 or 8. Default: 4 for 2-bit experts in groups of 16, which are"
                            + " 2.53 bits a weight then; 8 for others.")
    private Optional<Integer> scaleBits = Optional.empty();

    @Option(
            names = "--attention",
            paramLabel = "BITS",
            defaultValue = "4",
            description = "Bits of attention's codes: 2, 3, 4 or 8; 16 leaves it as it is. Default: 4.")
    private int attention;

    @Option(
            names = "--attention-group",
            paramLabel = "ROWS",
            description = "Rows that share a scale and a zero. Default: 16 for 2 bits, 64 for more.")
    private Optional<Integer> attentionGroup = Optional.empty();

    @Option(
            names = "--lm-head",
            paramLabel = "BITS",
            defaultValue = "16",
            description = "Bits of the head's codes: 4 or 8; 16 leaves it as it is. Default: 16.")
    private int head;

    /**
     * What they say.
     *
     * @throws GatunException if a number of bits is none of those that are supported
     * @throws dev.gatun.quant.solver.QuantizationException if there is no such scheme
     */
    QuantizationPlan plan(SolverChoice solver) {
        require("experts", experts, List.of(2, 3, 4, 8, UNQUANTIZED));
        require("attention", attention, List.of(2, 3, 4, 8, UNQUANTIZED));
        require("lm-head", head, List.of(4, 8, UNQUANTIZED));
        return new QuantizationPlan(solver, experts(), part(attention, attentionGroup), part(head, Optional.empty()));
    }

    private PartFormat experts() {
        if (experts == UNQUANTIZED) {
            return PartFormat.asItIs();
        }
        int group = expertGroup.orElse(PartFormat.usualGroup(experts));
        int usualScales = experts == 2 && group == PartFormat.usualGroup(2) ? 4 : 8;
        int scales = scaleBits.orElse(usualScales);
        require("scale-bits", scales, List.of(4, 8));
        return scales == 4 ? PartFormat.narrow(experts, group) : PartFormat.wide(experts, group);
    }

    private static PartFormat part(int bits, Optional<Integer> group) {
        return bits == UNQUANTIZED
                ? PartFormat.asItIs()
                : PartFormat.wide(bits, group.orElse(PartFormat.usualGroup(bits)));
    }

    private static void require(String option, int bits, List<Integer> supported) {
        if (!supported.contains(bits)) {
            throw new GatunException("--" + option + ": " + bits + " is none of "
                    + supported.toString().replaceAll("[\\[\\]]", ""));
        }
    }
}
