package dev.gatun.cuda;

import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Lets tests run where there is a GPU, and otherwise prints why there is none. JUnit makes it, from another module. */
// Tests are patched into the module, which knows nothing of JUnit.
@SuppressWarnings("exports")
public final class GpuCondition implements ExecutionCondition {
    public GpuCondition() {}

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return switch (CudaAvailability.ofThisMachine()) {
            case CudaAvailability.Available(var devices) ->
                ConditionEvaluationResult.enabled(devices.getFirst().toString());
            case CudaAvailability.Unavailable(String reason) -> {
                System.out.println("Skipped " + context.getDisplayName() + ": " + reason);
                yield ConditionEvaluationResult.disabled(reason);
            }
        };
    }
}
