#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::proxy::program {

enum class Tone : std::uint8_t {
  plain,
  strong,   ///< headings
  good,     ///< green
  warning,  ///< yellow
  bad,      ///< red
};

/// The text in that tone; unchanged without colour.
std::string toned(const std::string& text, Tone tone, bool colour);

/// Columns of text, each as wide as its widest cell, two blanks apart.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
  };
  struct Cell {
    std::string text;
    Tone tone = Tone::plain;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Requires one cell per column.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool is_empty() const { return rows_.empty(); }
  std::string text(bool colour) const;

 private:
  std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                   bool colour) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};
inline constexpr Table::Align align_right = Table::Align::right;

}  // namespace sluice::proxy::program
