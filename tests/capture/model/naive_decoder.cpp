#include "tests/capture/model/naive_decoder.h"

#include <array>
#include <cmath>
#include <complex>
#include <string>

#include "capture/model/checkpoint.h"

namespace kvatlas::capture::test {
namespace {

using Row = std::vector<double>;

class Naive {
 public:
  explicit Naive(const std::filesystem::path& folder) : m_config(loadModelConfig(folder)), m_checkpoint(folder) {}

  std::vector<NaiveLayer> run(const std::vector<TokenId>& ids) const {
    const Matrix embedding = matrix("model.embed_tokens.weight", m_config.vocab_size, m_config.hidden_size);
    Matrix hidden;
    for (const TokenId id : ids) hidden.push_back(embedding[id]);
    std::vector<NaiveLayer> layers;
    for (std::uint32_t i = 0; i < m_config.layers; ++i)
      layers.push_back(layer("model.layers." + std::to_string(i) + ".", hidden));
    return layers;
  }

 private:
  Row vector(const std::string& name, std::int64_t size) const {
    const at::Tensor tensor = m_checkpoint.load(name, std::array{size}, at::kFloat, at::kCPU);
    return {tensor.const_data_ptr<float>(), tensor.const_data_ptr<float>() + size};
  }

  Matrix matrix(const std::string& name, std::int64_t rows, std::int64_t columns) const {
    const at::Tensor tensor = m_checkpoint.load(name, std::array{rows, columns}, at::kFloat, at::kCPU);
    Matrix result;
    for (const float* row = tensor.const_data_ptr<float>(); rows > 0; --rows, row += columns)
      result.emplace_back(row, row + columns);
    return result;
  }

  Matrix apply(const std::string& name, std::int64_t out, bool biased, const Matrix& rows) const {
    const Matrix weight = matrix(name + ".weight", out, static_cast<std::int64_t>(rows[0].size()));
    const Row bias = biased ? vector(name + ".bias", out) : Row(static_cast<std::size_t>(out), 0.0);
    Matrix result;
    for (const Row& row : rows) {
      Row sums = bias;
      for (std::size_t o = 0; o < sums.size(); ++o)
        for (std::size_t i = 0; i < row.size(); ++i) sums[o] += weight[o][i] * row[i];
      result.push_back(sums);
    }
    return result;
  }

  Matrix norm(const std::string& name, Matrix rows) const {
    const Row weight = vector(name, m_config.hidden_size);
    for (Row& row : rows) {
      double squares = 0;
      for (const double x : row) squares += x * x;
      const double root = std::sqrt(squares / static_cast<double>(row.size()) + m_config.rms_norm_eps);
      for (std::size_t i = 0; i < row.size(); ++i) row[i] *= weight[i] / root;
    }
    return rows;
  }

  // Splits rows into heads; with `rotated`, rotates pairs (x, x + d/2) as complex numbers.
  std::vector<Matrix> heads(const Matrix& rows, bool rotated) const {
    const std::size_t d = m_config.head_dim, half = d / 2;
    std::vector<Matrix> result(rows[0].size() / d);
    for (std::size_t h = 0; h < result.size(); ++h)
      for (std::size_t n = 0; n < rows.size(); ++n) {
        Row head(rows[n].begin() + static_cast<std::ptrdiff_t>(h * d),
                 rows[n].begin() + static_cast<std::ptrdiff_t>(h * d + d));
        for (std::size_t x = 0; rotated && x < half; ++x) {
          const double angle = static_cast<double>(n) *
                               std::pow(m_config.rope.theta, -2.0 * static_cast<double>(x) / static_cast<double>(d));
          const auto turned = std::complex(head[x], head[x + half]) * std::polar(1.0, angle);
          head[x] = turned.real();
          head[x + half] = turned.imag();
        }
        result[h].push_back(head);
      }
    return result;
  }

  Matrix attention(NaiveLayer& layer, std::size_t count) const {
    const std::size_t d = m_config.head_dim, group = m_config.query_heads / m_config.kv_heads;
    Matrix output(count, Row(m_config.query_heads * d, 0.0));
    layer.lse.assign(m_config.query_heads, Row(count));
    for (std::size_t h = 0; h < m_config.query_heads; ++h)
      for (std::size_t i = 0; i < count; ++i) {
        Row weights(count, 0.0);
        double total = 0;
        for (std::size_t j = 0; j <= i; ++j) {
          if (m_config.sliding_window > 0 && i - j >= m_config.sliding_window) continue;
          double dot = 0;
          for (std::size_t x = 0; x < d; ++x) dot += layer.query[h][i][x] * layer.key[h / group][j][x];
          weights[j] = std::exp(dot / std::sqrt(static_cast<double>(d)));
          total += weights[j];
        }
        layer.lse[h][i] = std::log(total);
        for (std::size_t j = 0; j <= i; ++j)
          for (std::size_t x = 0; x < d; ++x) output[i][h * d + x] += weights[j] / total * layer.value[h / group][j][x];
      }
    return output;
  }

  NaiveLayer layer(const std::string& prefix, Matrix& hidden) const {
    const std::int64_t width = std::int64_t{m_config.query_heads} * m_config.head_dim,
                       narrow = std::int64_t{m_config.kv_heads} * m_config.head_dim;
    const bool bias = m_config.attention_bias, mlp_bias = m_config.mlp_bias;
    const Matrix rows = norm(prefix + "input_layernorm.weight", hidden);
    NaiveLayer result;
    result.query = heads(apply(prefix + "self_attn.q_proj", width, bias, rows), true);
    result.key = heads(apply(prefix + "self_attn.k_proj", narrow, bias, rows), true);
    result.value = heads(apply(prefix + "self_attn.v_proj", narrow, bias, rows), false);
    add(hidden, apply(prefix + "self_attn.o_proj", m_config.hidden_size, m_config.output_bias,
                      attention(result, hidden.size())));
    const Matrix inner = norm(prefix + "post_attention_layernorm.weight", hidden);
    Matrix gate = apply(prefix + "mlp.gate_proj", m_config.intermediate_size, mlp_bias, inner);
    const Matrix up = apply(prefix + "mlp.up_proj", m_config.intermediate_size, mlp_bias, inner);
    for (std::size_t n = 0; n < gate.size(); ++n)
      for (std::size_t i = 0; i < gate[n].size(); ++i) gate[n][i] *= up[n][i] / (1 + std::exp(-gate[n][i]));
    add(hidden, apply(prefix + "mlp.down_proj", m_config.hidden_size, mlp_bias, gate));
    return result;
  }

  static void add(Matrix& to, const Matrix& what) {
    for (std::size_t n = 0; n < to.size(); ++n)
      for (std::size_t i = 0; i < to[n].size(); ++i) to[n][i] += what[n][i];
  }

  ModelConfig m_config;
  Checkpoint m_checkpoint;
};

}  // namespace

std::vector<NaiveLayer> naiveForward(const std::filesystem::path& folder, const std::vector<TokenId>& ids) {
  return Naive(folder).run(ids);
}

}  // namespace kvatlas::capture::test
