/** The Element Plus parts in use, each with its own stylesheet: a quarter of the bytes of the whole kit. */
import 'element-plus/es/components/base/style/css'
import 'element-plus/es/components/button/style/css'
import 'element-plus/es/components/checkbox/style/css'
import 'element-plus/es/components/dialog/style/css'
import 'element-plus/es/components/form/style/css'
import 'element-plus/es/components/form-item/style/css'
import 'element-plus/es/components/input/style/css'

export { ElButton } from 'element-plus/es/components/button/index'
export { ElCheckbox } from 'element-plus/es/components/checkbox/index'
export { ElDialog } from 'element-plus/es/components/dialog/index'
export { ElForm, ElFormItem } from 'element-plus/es/components/form/index'
export { ElInput } from 'element-plus/es/components/input/index'
