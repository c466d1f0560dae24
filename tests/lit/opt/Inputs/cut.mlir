func.func @f() {
  return
}
//cut
func.func @f() {
  return
}
