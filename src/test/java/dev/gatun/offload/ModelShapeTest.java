package dev.gatun.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelShapeTest {
    private static final String SIZES =
            "hidden=4096,ffn=14336,layers=32,experts=8,top=2,heads=32,kv-heads=8,vocab=32000";

    @Test
    void aNameAndItsSizesAreTheSameModel() {
        ModelShape named = ModelShape.parse("Mixtral-8x7B");
        assertThat(named.name()).isEqualTo("mixtral-8x7b");
        assertThat(ModelShape.parse(SIZES).config()).isEqualTo(named.config());
        assertThat(ModelShape.parse(SIZES + ", head-size=64, positions=100").config())
                .satisfies(config -> assertThat(config.headSize()).isEqualTo(64))
                .satisfies(config -> assertThat(config.maxPositions()).isEqualTo(100));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    mixtral-9x9b                  | mixtral-8x22b
                    hidden=4096                   | ffn, layers, experts, top, heads, kv-heads, vocab must be given
                    hidden=4096,hidden=4096       | hidden is given twice
                    hidden=many                   | hidden=many is no whole number
                    hidden=99999999999            | no whole number
                    colour=4                      | `colour=4` is no size
                    hidden=4096,                  | `` is no size
                    hidden=64,ffn=64,layers=2,experts=8,top=9,heads=2,kv-heads=1,vocab=32 | num_experts_per_tok
                    hidden=64,ffn=64,layers=2,experts=8,top=2,heads=0,kv-heads=1,vocab=32 | num_attention_heads
                    """)
    void aMistakeIsNamed(String text, String named) {
        assertThatThrownBy(() -> ModelShape.parse(text))
                .isInstanceOf(PlanException.class)
                .hasMessageContaining(named);
    }
}
