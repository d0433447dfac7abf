package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.ModelShape;
import dev.gatun.quant.TileFormat;
import org.junit.jupiter.api.Test;

class PlannedModelTest {
    private static int parts(String shape, TileFormat format) {
        ModelShape model = ModelShape.parse(shape);
        return PlannedModel.quantized(model.name(), model.config(), format).parts();
    }

    private static String shape(int hidden, int ffn) {
        return "hidden=" + hidden + ",ffn=" + ffn + ",layers=2,experts=8,top=2,heads=32,kv-heads=8,vocab=32000";
    }

    @Test
    void expertsAreCutAsTheEngineCutsThem() {
        for (TileFormat format : new TileFormat[] {TileFormat.Q2, TileFormat.Q2N}) {
            assertThat(parts("mixtral-8x7b", format)).isEqualTo(7);
            assertThat(parts("mixtral-8x22b", format)).isEqualTo(8);
            assertThat(parts(shape(4096, 3072), format))
                    .as("rows of no whole parts")
                    .isEqualTo(1);
        }
        assertThat(parts(shape(1024, 4096), TileFormat.Q2N)).isEqualTo(2);
        assertThat(parts(shape(1024, 4096), TileFormat.Q2))
                .as("the second level of w2 lies apart")
                .isEqualTo(1);
    }
}
