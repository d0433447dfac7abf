package dev.gatun.quant.solver;

import dev.gatun.quant.HqqScheme;
import dev.gatun.quant.NarrowScheme;
import dev.gatun.quant.QuantizedMatrix;
import java.lang.foreign.MemorySegment;

/**
 * The scales and zeros of a quantized matrix that is being made: the second level is there from the start, the codes of
 * groups are stored by many threads at once.
 */
sealed interface MatrixParts permits HqqParts, NarrowParts {
    /** Fits the second level of the target's scheme; what is stored is allocated in its arena. */
    static MatrixParts fit(Target target, GroupFits fits) {
        return switch (target.scheme()) {
            case HqqScheme hqq -> HqqParts.fit(hqq, fits, target.arena(), target.workers());
            case NarrowScheme narrow -> NarrowParts.fit(narrow, fits, target.arena(), target.workers());
        };
    }

    /** The largest code of a scale or zero. */
    int top();

    /** The second level of a group's scale. */
    Affine scale(int groupRow, int column);

    /** The second level of a group's zero. */
    Affine zero(int groupRow, int column);

    /** Stores the scale code and the zero code of a group, from 0 to {@link #top}. */
    void store(int groupRow, int column, int scaleCode, int zeroCode);

    /** The matrix with these packed codes. */
    QuantizedMatrix matrix(MemorySegment codes);
}
