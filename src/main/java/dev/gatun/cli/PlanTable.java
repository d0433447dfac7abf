package dev.gatun.cli;

import dev.gatun.offload.HostMode;
import dev.gatun.offload.MemoryPlan;
import dev.gatun.offload.ModelSizes;
import java.io.PrintStream;
import java.util.Locale;

/** What goes where, as a table for people. */
final class PlanTable {
    private final PrintStream out;

    private PlanTable(PrintStream out) {
        this.out = out;
    }

    /** @param kept the most bytes that the host keeps of each expert which the CPU has computed, not pinned */
    static void print(PrintStream out, String name, MemoryPlan plan, long kept) {
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
        if (kept > 0 && plan.hostMode() != HostMode.NONE) {
            table.row(
                    "beside it",
                    model.allExperts() * kept,
                    "not pinned, at most: the second scales of what the CPU computes");
        }
    }

    private void memory(MemoryPlan plan) {
        ModelSizes model = plan.model();
        row(
                "GPU memory",
                plan.gpuMemory(),
                String.format(Locale.ROOT, "%.2f GiB", plan.gpuMemory() / (double) (1 << 30)));
        row("  CUDA", MemoryPlan.RUNTIME, "its context and the kernels");
        String embeddings = plan.embeddingsInHost() ? "" : "embeddings, ";
        row("  trunk", plan.trunk(), "attention, routers, norms, " + embeddings + "head");
        row("  keys and values", plan.keyValues(), plan.context() + " tokens");
        row("  workspace", model.workspace(), "a chunk of a prompt, and what allocations round up");
        row("  staging", plan.stagingBytes(), plan.stagingSlots() + " slots for experts on their way");
        row("  expert slots", plan.slotBytes(), slots(plan));
        row("  unused", plan.unused(), "less than an expert, unless all are resident");
        if (plan.embeddingsInHost()) {
            row("host memory", plan.hostMemory(), "pinned, all of it");
            row("  embeddings", model.embeddings(), "the GPU reads a row a token");
            row("  experts", plan.hostMemory() - model.embeddings(), inHost(plan.hostMode()));
        } else {
            row("host memory", plan.hostMemory(), inHost(plan.hostMode()));
        }
    }

    private static String inHost(HostMode mode) {
        return switch (mode) {
            case NONE -> "every expert is on the GPU";
            case INCLUSIVE -> "every expert, pinned (inclusive)";
            case EXCLUSIVE -> "the experts that are not on the GPU, pinned (exclusive: a miss swaps two)";
        };
    }

    private static String slots(MemoryPlan plan) {
        int layers = plan.model().layers();
        String each = plan.slots() / layers + (plan.slots() % layers == 0 ? "" : " or " + (plan.slots() / layers + 1));
        return plan.slots() + " of " + plan.model().allExperts() + " experts, " + each + " a layer";
    }

    private void row(String name, long bytes, String what) {
        out.printf(Locale.ROOT, "%-18s %12s  %s%n", name, Units.gigabytes(bytes), what);
    }
}
