package dev.gatun.cuda;

import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;

/** Marks tests that need a GPU. Where there is none they are skipped, and the output says why. */
// Tests are patched into the module, which knows nothing of JUnit.
@SuppressWarnings("exports")
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@Inherited
@Tag("gpu")
@ExtendWith(GpuCondition.class)
public @interface RequiresGpu {}
