package dev.gatun.engine.cuda;

import java.util.List;

/**
 * What two tokens of one sequence must have in common to be the same launches. Ids and positions may differ: kernels read
 * those from device memory.
 *
 * @param steps the operations in their order
 * @param pieces into how many pieces attention cuts the context
 */
record TokenForm(List<TokenStep> steps, int pieces) {
    TokenForm {
        steps = List.copyOf(steps);
    }

    /** Whether the launches are of the same kinds in the same order, whatever their grids. */
    boolean isLike(TokenForm other) {
        return steps.equals(other.steps);
    }
}
