#include <fmt/format.h>
#include <hdf5.h>

#include "core/base/error.h"
#include "core/trace/generated_tokens.h"
#include "core/trace/writer.h"
#include "tests/core/trace/compare.h"
#include "tests/core/trace/trace_fixture.h"

namespace kvatlas::test {
namespace {

using RoundTrip = TraceTest;

void expectHeader(const trace::TraceHeader& read, const trace::TraceHeader& written) {
  EXPECT_EQ(read.generator, written.generator);
  EXPECT_EQ(read.created, written.created);
  EXPECT_EQ(read.model.name, written.model.name);
  EXPECT_EQ(read.model.architecture, written.model.architecture);
  EXPECT_EQ(read.model.compute_dtype, written.model.compute_dtype);
  EXPECT_EQ(read.model.weights_fingerprint, written.model.weights_fingerprint);
  EXPECT_EQ(read.model.layers, written.model.layers);
  EXPECT_EQ(read.model.query_heads, written.model.query_heads);
  EXPECT_EQ(read.model.kv_heads, written.model.kv_heads);
  EXPECT_EQ(read.model.head_dim, written.model.head_dim);
  EXPECT_EQ(read.model.hidden_size, written.model.hidden_size);
  EXPECT_EQ(read.model.vocab_size, written.model.vocab_size);
  EXPECT_EQ(read.model.sliding_window, written.model.sliding_window);
  EXPECT_EQ(read.model.rope_theta, written.model.rope_theta);
  EXPECT_EQ(read.model.tokenizer_ids, written.model.tokenizer_ids);
  EXPECT_EQ(read.model.experts, written.model.experts);
  EXPECT_EQ(read.model.experts_per_token, written.model.experts_per_token);
  EXPECT_EQ(read.prompt.ids, written.prompt.ids);
  EXPECT_EQ(read.prompt.text, written.prompt.text);
  EXPECT_EQ(read.prompt.offsets, written.prompt.offsets);
  EXPECT_EQ(read.prompt.chat, written.prompt.chat);
  ASSERT_EQ(read.prompt.spans.size(), written.prompt.spans.size());
  for (std::size_t i = 0; i < read.prompt.spans.size(); ++i) {
    EXPECT_EQ(read.prompt.spans[i].name, written.prompt.spans[i].name);
    EXPECT_EQ(read.prompt.spans[i].begin, written.prompt.spans[i].begin);
    EXPECT_EQ(read.prompt.spans[i].end, written.prompt.spans[i].end);
  }
  EXPECT_EQ(read.attention.window, written.attention.window);
  EXPECT_EQ(read.attention.layers, written.attention.layers);
  EXPECT_EQ(read.attention.cells, written.attention.cells);
  EXPECT_EQ(read.attention.qk_layers, written.attention.qk_layers);
}

void expectRunHeader(const trace::RunHeader& read, const trace::RunHeader& written) {
  EXPECT_EQ(read.method, written.method);
  EXPECT_EQ(read.label, written.label);
  EXPECT_EQ(read.parameters, written.parameters);
  EXPECT_EQ(read.budget, written.budget);
  EXPECT_EQ(read.granularity, written.granularity);
  EXPECT_EQ(read.budget_nominal, written.budget_nominal);
  EXPECT_EQ(read.heads, written.heads);
  EXPECT_EQ(read.is_full, written.is_full);
  EXPECT_EQ(read.attended, written.attended);
}

void expectAll(const std::filesystem::path& path, const SampleTrace& sample) {
  const trace::Reader reader(path);
  EXPECT_TRUE(reader.complete());
  expectHeader(reader.header(), sample.header);
  for (const auto& layer : sample.layers) expectLayer(reader, layer);
  EXPECT_EQ(*reader.nextLogits(), sample.next_logits);
  EXPECT_EQ(reader.notes(), "");
  const auto experts = reader.experts();
  ASSERT_EQ(experts.has_value(), sample.header.model.experts > 0);
  if (experts) {
    EXPECT_EQ(experts->tokens, sample.experts.tokens);
    EXPECT_EQ(experts->weight, sample.experts.weight);
  }
  ASSERT_EQ(reader.header().runs.size(), sample.runs.size());
  for (std::size_t run = 0; run < sample.runs.size(); ++run) {
    expectRunHeader(reader.header().runs[run], sample.header.runs[run]);
    expectRun(reader, run, sample.runs[run]);
  }
}

TEST_F(RoundTrip, EveryMemberSurvives) {
  const SampleTrace sample = makeSampleTrace();
  writeSampleTrace(file(), sample);
  EXPECT_FALSE(std::filesystem::exists(part()));
  expectAll(file(), sample);
}

TEST_F(RoundTrip, Experts) {
  SampleTraceOptions options = tinyOptions();
  options.experts = 5;
  SampleTrace sample = makeSampleTrace(options);
  writeSampleTrace(file(), sample);
  expectAll(file(), sample);
  sample.experts.tokens.pop_back();
  EXPECT_THAT(messageOf([&] { writeSampleTrace(file("b.kva.h5"), sample); }), testing::HasSubstr("/experts"));
  sample.header.model.experts_per_token = 6;
  EXPECT_THAT(messageOf([&] { writeSampleTrace(file("c.kva.h5"), sample); }), testing::HasSubstr("experts_per_token"));
}

TEST_F(RoundTrip, AVocabularyPaddedBeyondTheTokenizer) {
  SampleTrace sample = makeSampleTrace(tinyOptions());
  sample.header.model.tokenizer_ids = 300;
  writeSampleTrace(file(), sample);
  expectAll(file(), sample);
  sample.header.model.tokenizer_ids = 310;
  EXPECT_THAT(messageOf([&] { writeSampleTrace(file("b.kva.h5"), sample); }), testing::HasSubstr("tokenizer_ids"));
}

TEST_F(RoundTrip, QueryHeadGranularitySlidingWindowAndSeveralBudgets) {
  SampleTraceOptions options = tinyOptions();
  options.query_head_granularity = true;
  options.sliding_window = 16;
  options.budgets = {8, 12, 40};
  const SampleTrace sample = makeSampleTrace(options);
  writeSampleTrace(file(), sample);
  expectAll(file(), sample);
}

TEST_F(RoundTrip, ChunkEdgesOfALongPrompt) {
  SampleTraceOptions options = tinyOptions();
  options.tokens = 601;  // map side 301: three chunks of 101 with a ragged one
  options.map_size = 400;
  const SampleTrace sample = makeSampleTrace(options);
  writeSampleTrace(file(), sample);
  expectAll(file(), sample);
}

TEST_F(RoundTrip, OneTokenNoDecodeNoTextNoSpans) {
  SampleTraceOptions options = tinyOptions();
  options.tokens = 1;
  options.new_tokens = 0;
  options.budgets = {1};
  SampleTrace sample = makeSampleTrace(options);
  sample.header.prompt.text.clear();
  sample.header.prompt.offsets = {0, 0};
  sample.header.prompt.spans.clear();
  sample.header.prompt.chat = "auto";
  writeSampleTrace(file(), sample);
  expectAll(file(), sample);
}

TEST_F(RoundTrip, UncapturedDataIsAbsentNotZero) {
  SampleTrace sample = makeSampleTrace(tinyOptions());
  sample.header.attention.layers = {LayerIndex(1)};
  sample.header.attention.qk_layers.clear();
  sample.layers[1].values[Signal::Entropy].clear();
  sample.layers[1].map_max.clear();
  {
    trace::Writer writer(file(), sample.header);
    writer.writeLayer(sample.layers[1]);
    writer.finish();
  }
  const trace::Reader reader(file());
  EXPECT_FALSE(reader.hasLayer(LayerIndex(0)));
  EXPECT_FALSE(reader.signal(LayerIndex(0), trace::Signal::Lse));
  EXPECT_TRUE(reader.hasLayer(LayerIndex(1)));
  EXPECT_TRUE(reader.signal(LayerIndex(1), trace::Signal::Lse));
  EXPECT_FALSE(reader.signal(LayerIndex(1), trace::Signal::Entropy));
  EXPECT_FALSE(reader.map(LayerIndex(1), HeadIndex(0), trace::Reduction::Max, 0));
  EXPECT_TRUE(reader.map(LayerIndex(1), HeadIndex(0), trace::Reduction::Mean, 0));
  EXPECT_FALSE(reader.queryBits(LayerIndex(1), HeadIndex(0)));
  EXPECT_FALSE(reader.run(0));
  EXPECT_FALSE(reader.nextLogits());
}

TEST_F(RoundTrip, AttendedKeysOfSomeStepsAlone) {
  SampleTraceOptions options = tinyOptions();
  options.new_tokens = 40;  // three chunks
  options.attended = 3;
  const SampleTrace sample = makeSampleTrace(options);
  writeSampleTrace(file(), sample);
  const trace::Reader reader(file());
  expectAll(file(), sample);
  const auto all = reader.attended(2, LayerIndex(1)).value(), some = reader.attended(2, LayerIndex(1), 14, 5).value();
  ASSERT_EQ(some.steps(), 5U);
  for (std::size_t i = 0; i < some.positions.size(); ++i) {
    ASSERT_EQ(some.positions[i], all.positions[all.at(14, 0) + i]);
    ASSERT_EQ(some.mass[i], all.mass[all.at(14, 0) + i]);
  }
  EXPECT_EQ(reader.attended(2, LayerIndex(1), 40).value().steps(), 0U);
  EXPECT_THROW(static_cast<void>(reader.attended(2, LayerIndex(1), 39, 2)), Error);
  EXPECT_THROW(static_cast<void>(reader.attended(2, LayerIndex(2))), Error);
  EXPECT_THROW(static_cast<void>(reader.attended(99, LayerIndex(0))), Error);
}

TEST_F(RoundTrip, GeneratedTokensHaveTheirText) {
  trace::RunRecord record;
  record.decode_text = "ab…c";
  record.decode_offsets = {0, 2, 2, 5, 6};
  EXPECT_EQ(trace::generatedText(record, 0), "ab");
  EXPECT_EQ(trace::generatedText(record, 1), "");
  EXPECT_EQ(trace::generatedText(record, 2), "…");
  EXPECT_EQ(trace::generatedText(record, 3), "c");
  EXPECT_EQ(trace::generatedText(record, 4), "");
  EXPECT_EQ(trace::generatedText({}, 0), "");
}

// Files of earlier versions lack these members.
TEST_F(RoundTrip, ATraceWithoutAttendedKeysOpensAsBefore) {
  SampleTraceOptions options = tinyOptions();
  options.attended = 0;
  SampleTrace sample = makeSampleTrace(options);
  writeSampleTrace(file(), sample);
  const hid_t id = H5Fopen(file().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  for (std::size_t run = 0; run < sample.runs.size(); ++run) {
    EXPECT_EQ(H5Lexists(id, fmt::format("/runs/{:03}/decode/attended", run).c_str(), H5P_DEFAULT), 0);
    EXPECT_GE(H5Ldelete(id, fmt::format("/runs/{:03}/decode/offsets", run).c_str(), H5P_DEFAULT), 0);
    sample.runs[run].decode_offsets.clear();
  }
  H5Fclose(id);
  expectAll(file(), sample);
  EXPECT_TRUE(trace::validate(file()).empty());
  EXPECT_FALSE(trace::Reader(file()).attended(1, LayerIndex(0)).has_value());
}

TEST_F(RoundTrip, ReadingOutOfRangeIsAnError) {
  writeSampleTrace(file(), tinyOptions());
  const trace::Reader reader(file());
  EXPECT_THROW(static_cast<void>(reader.run(99)), Error);
  EXPECT_THROW(static_cast<void>(reader.signalOfHead(LayerIndex(0), trace::Signal::Lse, HeadIndex(2))), Error);
  EXPECT_THROW(static_cast<void>(reader.mapTile(LayerIndex(0), HeadIndex(0), trace::Reduction::Max, 0, 0, 1, 20, 20)),
               Error);
  EXPECT_FALSE(reader.signal(LayerIndex(9), trace::Signal::Lse));
}

TEST_F(RoundTrip, WrongRecordsAreRefusedByName) {
  const SampleTrace sample = makeSampleTrace(tinyOptions());
  trace::Writer writer(file(), sample.header);
  trace::LayerRecord layer = sample.layers[0];
  layer.values[Signal::Received].pop_back();
  EXPECT_THAT(messageOf([&] { writer.writeLayer(layer); }), testing::HasSubstr("/attention/000/received"));
  trace::RunRecord run = sample.runs[1];
  run.kl.pop_back();
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, run); }), testing::HasSubstr("/runs/001/decode/kl"));
  run = sample.runs[1];
  run.attended_mass.pop_back();
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, run); }), testing::HasSubstr("/runs/001/decode/attended"));
  run = sample.runs[1];
  run.decode_offsets.back() += 1;
  EXPECT_THAT(messageOf([&] { writer.writeRun(1, run); }), testing::HasSubstr("/runs/001/decode/offsets"));
  writer.finish();
  EXPECT_FALSE(trace::Reader(file()).hasLayer(LayerIndex(0)));
}

}  // namespace
}  // namespace kvatlas::test
