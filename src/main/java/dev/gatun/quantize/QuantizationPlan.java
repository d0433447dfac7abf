package dev.gatun.quantize;

import dev.gatun.checkpoint.MixtralConfig;
import dev.gatun.quant.ExpertBlock;
import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import dev.gatun.quant.solver.QuantizationException;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a model becomes; embeddings, norms and routers always stay as they are. A plan in which everything does is refused with a
 * {@link QuantizationException}.
 *
 * @param solver how
 * @param experts all matrices of experts
 * @param attention queries, keys, values and outputs
 * @param head what makes logits
 */
public record QuantizationPlan(SolverChoice solver, PartFormat experts, PartFormat attention, PartFormat head) {
    public QuantizationPlan {
        if (Stream.of(experts, attention, head).allMatch(part -> part.scheme().isEmpty())) {
            throw new QuantizationException(
                    "bits: 16 for experts, attention and head quantize nothing; gatun convert writes a model as it is");
        }
    }

    /** The block that experts are tiled in; empty if kernels read no tiles of their scheme. */
    Optional<ExpertBlock> block(MixtralConfig config) {
        int hidden = config.hiddenSize();
        int ffn = config.intermediateSize();
        return format().filter(format -> hidden % 4 == 0 && ffn % 4 == 0).map(format -> {
            TileShape wide = new TileShape(format, ffn, hidden, pairs(ffn, hidden));
            return new ExpertBlock(wide, wide, new TileShape(format, hidden, ffn, pairs(hidden, ffn)).asDown());
        });
    }

    private Optional<TileFormat> format() {
        return experts.scheme()
                .filter(scheme -> scheme.bits() == 2 && scheme.groupSize() == TileFormat.Q2.groupSize())
                .map(scheme -> scheme instanceof NarrowScheme ? TileFormat.Q2N : TileFormat.Q2);
    }

    private int pairs(int rows, int columns) {
        return switch (experts.scheme().orElseThrow()) {
            case HqqScheme hqq -> Math.toIntExact((long) rows / hqq.groupSize() * columns / hqq.scaleGroup());
            case NarrowScheme narrow -> 0;
        };
    }

    /** For people, and to tell results of other plans apart. */
    @Override
    public String toString() {
        return solver + ": experts " + experts + "; attention " + attention + "; head " + head;
    }
}
