package dev.gatun.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gatun.offload.ModelShape;
import dev.gatun.quant.TileFormat;
import java.util.List;
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
        assertThat(parts("mixtral-8x7b", TileFormat.Q2)).isEqualTo(56);
        assertThat(parts("mixtral-8x22b", TileFormat.Q2)).isEqualTo(64);
        assertThat(parts(shape(4096, 3072), TileFormat.Q2)).isEqualTo(24);
        assertThat(parts("mixtral-8x7b", TileFormat.Q2N)).isEqualTo(56);
        assertThat(parts("mixtral-8x22b", TileFormat.Q2N)).isEqualTo(64);
        assertThat(parts(shape(4096, 3072), TileFormat.Q2N))
                .as("rows of no whole parts")
                .isEqualTo(1);
    }

    /** Second scales, for each kind of rows; those of narrow tiles are read as they are. */
    @Test
    void whatTheCpuKeepsOfAnExpertIsSmall() {
        for (String shape : List.of("mixtral-8x7b", "mixtral-8x22b")) {
            ModelShape model = ModelShape.parse(shape);
            PlannedModel planned = PlannedModel.quantized(model.name(), model.config(), TileFormat.Q2);
            assertThat(planned.kept()).isPositive().isLessThan(planned.sizes().expert() / 50);
            assertThat(PlannedModel.quantized(model.name(), model.config(), TileFormat.Q2N)
                            .kept())
                    .isZero();
        }
    }
}
