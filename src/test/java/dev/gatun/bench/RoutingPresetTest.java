package dev.gatun.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gatun.GatunException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RoutingPresetTest {
    @Test
    void presetsHaveNamesAndHitRatiosAreNumbers() {
        assertThat(RoutingPreset.parse("uniform")).isEqualTo(new RoutingPreset.Uniform());
        assertThat(RoutingPreset.parse("real-text")).isEqualTo(new RoutingPreset.RealText());
        assertThat(RoutingPreset.parse("0.7")).isEqualTo(new RoutingPreset.HitRatio(0.7));
        assertThat(RoutingPreset.parse("1")).isEqualTo(new RoutingPreset.HitRatio(1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.1", "-0.1", "NaN", "skewed", ""})
    void anythingElseIsAMistake(String text) {
        assertThatThrownBy(() -> RoutingPreset.parse(text))
                .isInstanceOf(GatunException.class)
                .hasMessageStartingWith("routing: ");
    }
}
