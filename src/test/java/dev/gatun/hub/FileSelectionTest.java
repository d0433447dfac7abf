package dev.gatun.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FileSelectionTest {
    @ParameterizedTest
    @CsvSource({
        "config.json,true",
        "generation_config.json,true",
        "tokenizer.json,true",
        "tokenizer.model,true",
        "SHA256SUMS,true",
        "LICENSE,true",
        "chat_template.jinja,true",
        "model-00001-of-00019.safetensors,true",
        "model.safetensors.index.json,true",
        "consolidated.00.safetensors,false",
        "consolidated.safetensors.index.json,false",
        "pytorch_model.bin,false",
        "modeling.py,false",
        "README.md,false",
        "onnx/config.json,false",
    })
    void byDefaultItIsWhatRunsAModel(String path, boolean needed) {
        assertThat(new FileSelection.Needed().has(path)).isEqualTo(needed);
    }

    @ParameterizedTest
    @CsvSource({
        "*.json,a/b.json,true",
        "?.json,a.json,true",
        "?.json,ab.json,false",
        "a.json,aXjson,false",
        "(*,(x,true"
    })
    void aPatternIsAboutTheWholePath(String pattern, String path, boolean matches) {
        assertThat(new FileSelection.Matching(List.of(pattern)).has(path)).isEqualTo(matches);
    }
}
