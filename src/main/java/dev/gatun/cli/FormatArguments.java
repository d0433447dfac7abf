package dev.gatun.cli;

import dev.gatun.GatunException;
import dev.gatun.quant.solver.QuantizationException;
import dev.gatun.quantize.PartFormat;
import dev.gatun.quantize.QuantizationPlan;
import dev.gatun.quantize.SolverChoice;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
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
     * @throws GatunException if a number of bits is none of those that are supported, there is no such scheme, or an option is
     *     of no use with the others
     */
    QuantizationPlan plan(SolverChoice solver) {
        require("experts", experts, List.of(2, 3, 4, 8, UNQUANTIZED));
        require("attention", attention, List.of(2, 3, 4, 8, UNQUANTIZED));
        require("lm-head", head, List.of(4, 8, UNQUANTIZED));
        return new QuantizationPlan(solver, experts(), attention(), wide("lm-head", head, Optional.empty()));
    }

    private PartFormat experts() {
        if (experts == UNQUANTIZED) {
            refuse("expert-group", expertGroup, "experts stay as they are (--experts 16)");
            refuse("scale-bits", scaleBits, "experts stay as they are (--experts 16)");
            return PartFormat.asItIs();
        }
        int group = expertGroup.orElse(PartFormat.usualGroup(experts));
        int usualScales = experts == 2 && group == PartFormat.usualGroup(2) ? 4 : 8;
        int scales = scaleBits.orElse(usualScales);
        require("scale-bits", scales, List.of(4, 8));
        return scales == 4
                ? made("expert-group", () -> PartFormat.narrow(experts, group))
                : wide("expert-group", experts, expertGroup);
    }

    private PartFormat attention() {
        if (attention == UNQUANTIZED) {
            refuse("attention-group", attentionGroup, "attention stays as it is (--attention 16)");
        }
        return wide("attention-group", attention, attentionGroup);
    }

    private static PartFormat wide(String option, int bits, Optional<Integer> group) {
        return bits == UNQUANTIZED
                ? PartFormat.asItIs()
                : made(option, () -> PartFormat.wide(bits, group.orElse(PartFormat.usualGroup(bits))));
    }

    private static PartFormat made(String option, Supplier<PartFormat> making) {
        try {
            return making.get();
        } catch (QuantizationException impossible) {
            throw new GatunException("--" + option + ": " + impossible.getMessage(), impossible);
        }
    }

    private static void refuse(String option, Optional<Integer> given, String why) {
        if (given.isPresent()) {
            throw new GatunException("--" + option + ": " + why);
        }
    }

    private static void require(String option, int bits, List<Integer> supported) {
        if (!supported.contains(bits)) {
            throw new GatunException("--" + option + ": " + bits + " is none of "
                    + supported.toString().replaceAll("[\\[\\]]", ""));
        }
    }
}
