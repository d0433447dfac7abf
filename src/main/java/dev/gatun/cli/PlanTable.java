package dev.gatun.cli;

import dev.gatun.offload.CostModel;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.ModelSizes;
import dev.gatun.offload.Prediction;
import java.io.PrintStream;
import java.util.Locale;

/** A memory plan as a table for people. */
final class PlanTable {
    private final PrintStream out;

    private PlanTable(PrintStream out) {
        this.out = out;
    }

    static void print(PrintStream out, String name, MemoryPlan plan, Prediction prediction, CostModel costs) {
        PlanTable table = new PlanTable(out);
        ModelSizes model = plan.model();
        out.printf(
                Locale.ROOT,
                "%s: %d layers of %d experts of %s, %d per token%n",
                name,
                model.layers(),
                model.experts(),
                Units.gigabytes(model.expert()),
                model.expertsPerToken());
        table.memory(plan);
        table.speed(prediction, costs);
    }

    private void memory(MemoryPlan plan) {
        ModelSizes model = plan.model();
        row(
                "GPU memory",
                plan.gpuMemory(),
                String.format(Locale.ROOT, "%.2f GiB", plan.gpuMemory() / (double) (1 << 30)));
        row("  CUDA", MemoryPlan.RUNTIME, "its context and the kernels");
        row("  trunk", model.trunk(), "attention, routers, norms, embeddings, head");
        row("  keys and values", plan.keyValues(), plan.context() + " tokens");
        row("  workspace", model.workspace(), "a chunk of a prompt, and what allocations round up");
        row("  staging", plan.stagingBytes(), plan.stagingSlots() + " slots for experts on their way");
        row("  expert slots", plan.slotBytes(), slots(plan));
        row("  unused", plan.unused(), "less than an expert, unless all are resident");
        row(
                "host memory",
                plan.hostMemory(),
                switch (plan.hostMode()) {
                    case NONE -> "every expert is on the GPU";
                    case INCLUSIVE -> "every expert, pinned (inclusive)";
                    case EXCLUSIVE -> "the experts that are not on the GPU, pinned (exclusive: a miss swaps two)";
                });
    }

    private static String slots(MemoryPlan plan) {
        int layers = plan.model().layers();
        String each = plan.slots() / layers + (plan.slots() % layers == 0 ? "" : " or " + (plan.slots() / layers + 1));
        return plan.slots() + " of " + plan.model().allExperts() + " experts, " + each + " a layer";
    }

    private void speed(Prediction prediction, CostModel costs) {
        out.printf(Locale.ROOT, "%-18s %9.3f     every expert equally likely%n", "hit ratio", prediction.hitRatio());
        out.printf(
                Locale.ROOT,
                "%-18s %9.1f     a token; %s at %s/s: %.2f ms%n",
                "misses",
                prediction.missesPerToken(),
                Units.gigabytes(Math.round(prediction.bytesFetched())),
                Units.gigabytes(Math.round(costs.link())),
                prediction.fetchSeconds() * 1e3);
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
                "%-18s %9.2f ms  a layer %.0f µs for its trunk and %.0f for its experts, %.0f more to hear of a miss%n",
                "besides",
                prediction.fixedSeconds() * 1e3,
                costs.trunkLayer() * 1e6,
                costs.expertLayer() * 1e6,
                costs.reaction() * 1e6);
        out.printf(Locale.ROOT, "%-18s %9.1f     at most%n", "tokens/s", prediction.atMost());
        out.printf(Locale.ROOT, "%-18s %9.1f     to expect%n", "", prediction.tokensPerSecond());
    }

    private void row(String name, long bytes, String what) {
        out.printf(Locale.ROOT, "%-18s %12s  %s%n", name, Units.gigabytes(bytes), what);
    }
}
