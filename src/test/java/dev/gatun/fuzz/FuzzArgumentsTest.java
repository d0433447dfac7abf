package dev.gatun.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FuzzArgumentsTest {
    @Test
    void withoutOptionsAllFormatsTakeTurns() {
        FuzzPlan plan = FuzzArguments.plan();
        assertThat(plan.first()).isZero();
        assertThat(plan.cases()).isEqualTo(100_000);
        assertThat(plan.formats()).hasSameSizeAs(Formats.all());
    }

    @Test
    void optionsSayWhatRuns() {
        FuzzPlan several = FuzzArguments.plan("--seed", "-7", "--cases", "5", "--formats", "trace,tiles");
        assertThat(several.seed()).isEqualTo(-7);
        assertThat(several.cases()).isEqualTo(5);
        assertThat(several.formats()).isEqualTo(List.of("trace", "tiles"));
        FuzzPlan one = FuzzArguments.plan("--case", "812");
        assertThat(one.first()).isEqualTo(812);
        assertThat(one.isOneCase()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '^', textBlock = """
            --cases 0 ^ --cases `0`: it takes a whole number from 1 to
            --cases -4 ^ --cases `-4`: it takes a whole number from 1 to
            --case -3 ^ --case `-3`: it takes a whole number from 0 to
            --case 9223372036854775807 ^ --case `9223372036854775807`: it takes a whole number from 0 to 1000000000000
            --case ^ --case ``: it takes a whole number from 0 to
            --seed 7 --cases ^ --cases ``: it takes a whole number from 1 to
            --seed ^ --seed ``: it takes a whole number from
            --seed x7 ^ --seed `x7`: it takes a whole number from
            --cases 1e3 ^ --cases `1e3`: it takes a whole number from
            --formats ^ --formats ``: it takes some of header,index,
            --formats trace,pictures ^ --formats `trace,pictures`: it takes some of header,index,
            --number 3 ^ no such option: `--number`
            """)
    void mistakesNameTheOption(String line, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FuzzArguments.plan(line.split(" ", -1)))
                .withMessageContaining(message)
                .withMessageNotContaining("\n");
    }
}
